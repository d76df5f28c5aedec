package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

const order = `{"order_id":"00000000-0000-4000-8000-00000000000a","user_id":"00000000-0000-4000-8000-000000000003",` +
	`"total":"7.00","currency":"EUR","items_count":1,"items":[{"product_id":"00000000-0000-4000-8000-000000000101","quantity":2,"price":"3.50"}]}`

func document(t *testing.T) contract {
	t.Helper()
	read, err := readContract("../../docs/api/asyncapi.json")
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestEveryTopicThatTheDocumentNamesHasWords(t *testing.T) {
	topics := slices.Sorted(slices.Values(document(t).topics))
	if words := slices.Sorted(maps.Keys(subjects)); !slices.Equal(topics, words) {
		t.Errorf("hears %v, has words for %v", topics, words)
	}
}

func TestAnEventIsHeldAgainstTheDocument(t *testing.T) {
	s := &service{contract: document(t)}
	event := func(data string) []byte { return []byte(`{"id":"x","source":"elsewhere","data":` + data + `}`) }
	for name, wrong := range map[string]struct{ body, reason string }{
		"no JSON":                  {"not even JSON", "no event"},
		"no event":                 {`{"hello":1}`, "no event"},
		"no data":                  {string(event(`null`)), "no object"},
		"a field missing":          {string(event(`{}`)), "order_id"},
		"no UUID":                  {string(event(strings.Replace(order, "00000000-0000-4000-8000-00000000000a", "none", 1))), "order_id"},
		"no amount":                {string(event(strings.Replace(order, "7.00", "seven", 1))), "total"},
		"half a unit":              {string(event(strings.Replace(order, `"quantity":2`, `"quantity":0.5`, 1))), "quantity"},
		"lines that cost more":     {string(event(strings.Replace(order, "7.00", "6.99", 1))), "cost more"},
		"text that cannot be kept": {string(event(strings.Replace(order, `"items_count"`, `"payment_method":"\u0000","items_count"`, 1))), "no database"},
	} {
		reason, err := s.handle(nil, "orders.created", []byte(wrong.body))
		if err != nil || !strings.Contains(reason, wrong.reason) {
			t.Errorf("%s: %q %v", name, reason, err)
		}
	}
}

func TestTheSameEventHasTheSameMessageAsInTheOtherImplementation(t *testing.T) {
	if id := nameUUID("orders.created:1"); id != "f08fbae7-fc1b-5975-8132-a20179b8cfbd" {
		t.Error(id)
	}
}

func TestACursorIsOfItsList(t *testing.T) {
	position, err := positionOf("notifications", cursorOf("notifications", "a", "b"), 2)
	if err != nil || !slices.Equal(position, []string{"a", "b"}) {
		t.Error(position, err)
	}
	for _, cursor := range []string{"", "abc", cursorOf("orders", "a", "b"), cursorOf("notifications", "a"), cursorOf("notifications", "a", "")} {
		if _, err := positionOf("notifications", cursor, 2); err == nil {
			t.Error(cursor)
		}
	}
}
