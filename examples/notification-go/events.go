package main

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

const deadLetterTopic = "dead-letter." + app

func subscribed(s *service, a *answer, _ *http.Request) error {
	type subscription struct {
		Pubsub     string            `json:"pubsubname"`
		Topic      string            `json:"topic"`
		Route      string            `json:"route"`
		DeadLetter string            `json:"deadLetterTopic,omitempty"`
		Metadata   map[string]string `json:"metadata,omitempty"`
	}
	// Raw, because what is no event at all could not be delivered as one.
	all := []subscription{{"pubsub", deadLetterTopic, "/dead-letters", "", map[string]string{"rawPayload": "true"}}}
	for _, topic := range s.contract.topics {
		all = append(all, subscription{"pubsub", topic, "/events/" + topic, deadLetterTopic, nil})
	}
	a.send(200, "application/json", all)
	return nil
}

// event is acknowledged when its message is stored; what can never be one is set aside; all else comes again.
func event(s *service, a *answer, r *http.Request) error {
	topic := r.PathValue("topic")
	if !slices.Contains(s.contract.topics, topic) {
		return problem{404, "there is no topic " + topic}
	}
	body, err := readBody(r)
	if err != nil {
		return err
	}
	reason, err := s.handle(r, topic, body)
	if err == nil && reason != "" {
		err = s.setAside(topic, string(body), reason)
	}
	if err == nil {
		a.send(200, "application/json", map[string]string{"status": "SUCCESS"})
	}
	return err
}

// A field of an older system, and what it is called here.
var synonyms = map[string]string{"customer_id": "user_id", "total_amount": "total"}

// handle gives the reason when an event can never be handled.
func (s *service) handle(r *http.Request, topic string, body []byte) (string, error) {
	var envelope struct {
		ID     string
		Source *string
		Data   any
	}
	if json.Unmarshal(body, &envelope) != nil || envelope.ID == "" || len(envelope.ID) > 200 || envelope.Source == nil {
		return "id: it is no event", nil
	}
	data, _ := envelope.Data.(map[string]any)
	for older, name := range synonyms {
		if value, there := data[older]; there {
			data[name] = value
		}
	}
	if wrong := s.contract.schemas[topic].wrong("data", envelope.Data); wrong != "" {
		return wrong, nil
	}
	if topic == "orders.created" && !addsUp(data) {
		return "the lines cost more than the total", nil
	}
	if !storable(envelope.Data) {
		return "holds text that no database stores", nil
	}
	about(r, data["order_id"].(string))
	user := data["user_id"].(string)
	contact, err := s.sidecar.contact(user)
	if err != nil {
		return "", err
	}
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	id := nameUUID(envelope.ID)
	row := map[string]any{
		"id": id, "user_id": user, "order_id": data["order_id"], "topic": topic, "locale": "en",
		"subject": subjects[topic], "text": textOf(topic, data), "channel": "log", "delivery": "sent",
		"sent_at": now, "created_at": now, "due": now, "tries": 0, "reason": nil,
	}
	if contact == nil {
		row["delivery"], row["sent_at"], row["reason"] = "undelivered", nil, "there is no such user"
	}
	// The row is the inbox: the same event has the same key.
	inserted, err := s.sidecar.insert("notification:"+id, row)
	if inserted {
		slog.Info("notified", "topic", topic, "notification_id", id, "order_id", data["order_id"], "delivery", row["delivery"])
	}
	return "", err
}

// nameUUID is the id of the message about an event, the same as the other implementation gives it (RFC 9562, version 5).
func nameUUID(event string) string {
	space, _ := hex.DecodeString("8a4c1f7b3c424d7ea7f62d0e5c9b7a33")
	sum := sha1.Sum(append(space, event...))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x50, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// undeliverable takes what the sidecar could not even deliver: the message as it was, in a wrapping of Dapr's.
func undeliverable(s *service, a *answer, r *http.Request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	var raw struct {
		Data []byte `json:"data_base64"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return err
	}
	var said struct{ Topic, Type string }
	_ = json.Unmarshal(raw.Data, &said)
	topic := deadLetterTopic
	for _, named := range []string{said.Type, said.Topic} {
		if slices.Contains(s.contract.topics, named) {
			topic = named
		}
	}
	if err := s.setAside(topic, string(raw.Data), "undeliverable"); err != nil {
		return err
	}
	a.send(200, "application/json", map[string]string{"status": "SUCCESS"})
	return nil
}

// Cursors name the list and what its last row sorted by; they are opaque to clients.
func cursorOf(position ...string) string {
	text, _ := json.Marshal(position)
	return base64.RawURLEncoding.EncodeToString(text)
}

func positionOf(list, cursor string, length int) ([]string, error) {
	var position []string
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(text, &position) != nil || len(position) != length+1 || position[0] != list ||
		slices.Contains(position, "") || !storable(string(text)) {
		return nil, problem{400, "the cursor is not one of ours"}
	}
	return position[1:], nil
}
