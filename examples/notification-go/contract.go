package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// contract is the published document of the events: what this service hears, and what each must say.
type contract struct {
	topics  []string
	schemas map[string]*schema
}

// schema is the part of JSON Schema that the document uses.
type schema struct {
	Type       string
	Properties map[string]*schema
	Required   []string
	Items      *schema
	MinItems   *int
	MaxItems   *int
	Minimum    *float64
	Maximum    *float64
	Pattern    string
	Format     string
	Const      any
}

func readContract(file string) (contract, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return contract{}, err
	}
	var document struct {
		Operations map[string]struct{ Action string }
		Components struct{ Schemas map[string]*schema }
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return contract{}, err
	}
	heard := contract{schemas: document.Components.Schemas}
	for name := range document.Operations {
		if topic, is := strings.CutPrefix(name, app+".receive."); is {
			if heard.schemas[topic] == nil {
				return contract{}, fmt.Errorf("it does not say what %s holds", topic)
			}
			heard.topics = append(heard.topics, topic)
		}
	}
	if len(heard.topics) == 0 {
		return contract{}, fmt.Errorf("it says nothing that %s hears", app)
	}
	return heard, nil
}

var uuid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// wrong says where a value is not as the schema wants it; nothing when it is.
func (s *schema) wrong(at string, value any) string {
	switch {
	case s.Const != nil && value != s.Const:
		return fmt.Sprintf("%s: is not %v", at, s.Const)
	case s.Type == "object":
		return s.wrongObject(at, value)
	case s.Type == "array":
		return s.wrongArray(at, value)
	case s.Type == "integer" || s.Type == "number":
		number, is := value.(float64)
		if !is || (s.Type == "integer" && number != math.Trunc(number)) ||
			(s.Minimum != nil && number < *s.Minimum) || (s.Maximum != nil && number > *s.Maximum) {
			return at + ": is no such number"
		}
	case s.Type == "string":
		text, is := value.(string)
		_, badTime := time.Parse(time.RFC3339, text)
		if !is || (s.Format == "uuid" && !uuid.MatchString(text)) || (s.Format == "date-time" && badTime != nil) ||
			(s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(text)) {
			return at + ": is no such text"
		}
	}
	return ""
}

func (s *schema) wrongObject(at string, value any) string {
	object, is := value.(map[string]any)
	if !is {
		return at + ": is no object"
	}
	for _, name := range s.Required {
		if _, there := object[name]; !there {
			return name + ": is missing"
		}
	}
	for name, inner := range object {
		if property := s.Properties[name]; property != nil {
			if wrong := property.wrong(name, inner); wrong != "" {
				return wrong
			}
		}
	}
	return ""
}

func (s *schema) wrongArray(at string, value any) string {
	array, is := value.([]any)
	if !is || (s.MinItems != nil && len(array) < *s.MinItems) || (s.MaxItems != nil && len(array) > *s.MaxItems) {
		return at + ": is no such list"
	}
	for _, item := range array {
		if wrong := s.Items.wrong(at, item); wrong != "" {
			return wrong
		}
	}
	return ""
}

// addsUp: the lines of an order cost no more than its total.
func addsUp(data map[string]any) bool {
	amount := func(value any) *big.Rat {
		text, _ := value.(string)
		rat, _ := new(big.Rat).SetString(text)
		return rat
	}
	total, sum := amount(data["total"]), new(big.Rat)
	for _, item := range data["items"].([]any) {
		line := item.(map[string]any)
		price := amount(line["price"])
		if price.Sign() < 0 {
			return false
		}
		sum.Add(sum, price.Mul(price, new(big.Rat).SetFloat64(line["quantity"].(float64))))
	}
	return total.Sign() >= 0 && sum.Cmp(total) <= 0
}

// storable: PostgreSQL takes no NUL.
func storable(value any) bool {
	switch value := value.(type) {
	case string:
		return !strings.Contains(value, "\x00") && utf8.ValidString(value)
	case []any:
		for _, item := range value {
			if !storable(item) {
				return false
			}
		}
	case map[string]any:
		for name, item := range value {
			if !storable(name) || !storable(item) {
				return false
			}
		}
	}
	return true
}
