package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// asked is the query of every list.
func asked(r *http.Request, list string, length int) (limit int, position []any, err error) {
	query, limit := r.URL.Query(), 20
	if text := query.Get("limit"); query.Has("limit") {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > 100 {
			return 0, nil, problem{400, "limit: a whole number from 1 to 100"}
		}
	}
	if query.Has("cursor") {
		found, err := positionOf(list, query.Get("cursor"), length)
		if err != nil {
			return 0, nil, err
		}
		for _, part := range found {
			position = append(position, part)
		}
	}
	return limit, position, nil
}

// page sends up to `limit` of rows that were asked for with one more, to see whether there is a next page.
func page(a *answer, r *http.Request, rows []map[string]any, limit int, position func(row map[string]any) string) error {
	more := len(rows) > limit
	rows = rows[:min(limit, len(rows))]
	body := map[string]any{"items": rows, "next_cursor": nil}
	if more {
		body["next_cursor"] = position(rows[len(rows)-1])
	}
	if r.URL.Query().Get("cursors") == "true" {
		cursors := []string{}
		for _, row := range rows {
			cursors = append(cursors, position(row))
		}
		body["cursors"] = cursors
	}
	a.send(200, "application/json", body)
	return nil
}

func notifications(s *service, a *answer, r *http.Request) error {
	who, err := s.who(r)
	if err != nil {
		return err
	}
	limit, position, err := asked(r, "notifications", 2)
	if err != nil {
		return err
	}
	before := ""
	if position != nil {
		before = "AND (value->>'created_at', key) < ($2, $3)"
	}
	found, err := rows[map[string]any](s.sidecar, fmt.Sprintf(`SELECT value - 'due' - 'tries' - 'reason' FROM state
	  WHERE starts_with(key, 'notification:') AND value->>'user_id' = $1 %s
	  ORDER BY value->>'created_at' DESC, key DESC LIMIT %d`, before, limit+1), append([]any{who.Sub}, position...)...)
	if err != nil {
		return err
	}
	return page(a, r, found, limit, func(row map[string]any) string {
		return cursorOf("notifications", row["created_at"].(string), "notification:"+row["id"].(string))
	})
}

// deadLetters: the gateway merges those of all consumers, so a cursor may be another's.
func deadLetters(s *service, a *answer, r *http.Request) error {
	if err := s.admin(r); err != nil {
		return err
	}
	limit, position, err := asked(r, "dead-letters", 3)
	if err != nil {
		return err
	}
	before := ""
	if position != nil {
		before = "AND (value->>'at', key, 'notification') < ($1, 'dead-letter:' || $2, $3)"
	}
	found, err := rows[map[string]any](s.sidecar, fmt.Sprintf(`SELECT value - 'body'
	  || jsonb_build_object('id', substr(key, 13), 'service', 'notification')
	  FROM state WHERE starts_with(key, 'dead-letter:') %s
	  ORDER BY value->>'at' DESC, key DESC LIMIT %d`, before, limit+1), position...)
	if err != nil {
		return err
	}
	return page(a, r, found, limit, func(row map[string]any) string {
		return cursorOf("dead-letters", row["at"].(string), row["id"].(string), app)
	})
}

// letter is a dead letter as stored.
type letter struct {
	Topic  string `json:"topic"`
	Body   string `json:"body"`
	Reason string `json:"reason"`
	Tries  int    `json:"tries"`
	At     string `json:"at"`
}

func (s *service) letter(r *http.Request) (string, letter, error) {
	if err := s.admin(r); err != nil {
		return "", letter{}, err
	}
	key := "dead-letter:" + r.PathValue("id")
	found, err := rows[letter](s.sidecar, "SELECT value FROM state WHERE key = $1", key)
	if err != nil {
		return "", letter{}, err
	}
	if len(found) == 0 {
		return "", letter{}, problem{404, "there is no such dead letter"}
	}
	return key, found[0], nil
}

func deadLetter(s *service, a *answer, r *http.Request) error {
	_, found, err := s.letter(r)
	if err != nil {
		return err
	}
	a.send(200, "application/json", struct {
		ID      string `json:"id"`
		Service string `json:"service"`
		letter
	}{r.PathValue("id"), app, found})
	return nil
}

func discard(s *service, a *answer, r *http.Request) error {
	key, found, err := s.letter(r)
	if err == nil {
		err = s.sidecar.exec("DELETE FROM state WHERE key = $1", key)
	}
	if err != nil {
		return err
	}
	slog.Info("dead letter discarded", "topic", found.Topic)
	a.WriteHeader(204)
	return nil
}

// redrive hands it to its handler once more; the inbox makes the effect happen once, so two at once need no lock.
func redrive(s *service, a *answer, r *http.Request) error {
	key, found, err := s.letter(r)
	if err != nil {
		return err
	}
	reason := app + " does not listen to " + found.Topic + "; it can only be discarded"
	if s.contract.schemas[found.Topic] != nil {
		if reason, err = s.handle(r, found.Topic, []byte(found.Body)); err != nil {
			return err
		}
	}
	if reason != "" {
		change, _ := json.Marshal(map[string]any{"reason": reason, "tries": found.Tries + 1})
		if err := s.sidecar.exec("UPDATE state SET value = value || $2::text::jsonb, updatedate = now() WHERE key = $1", key, string(change)); err != nil {
			return err
		}
		return problem{409, reason}
	}
	if err := s.sidecar.exec("DELETE FROM state WHERE key = $1", key); err != nil {
		return err
	}
	slog.Info("dead letter re-driven", "topic", found.Topic)
	a.WriteHeader(204)
	return nil
}

// setAside keeps a message; the same one is one row, however often it comes.
func (s *service) setAside(topic, message, reason string) error {
	slog.Error("dead letter", "topic", topic, "reason", reason)
	key := fmt.Sprintf("dead-letter:%x", sha256.Sum256([]byte(topic+" "+message)))
	body := strings.ToValidUTF8(message, "\uFFFD")
	if strings.Contains(body, "\x00") {
		quoted, _ := json.Marshal(body)
		body = string(quoted)
	}
	at := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	_, err := s.sidecar.insert(key, letter{topic, body, reason, 0, at})
	return err
}
