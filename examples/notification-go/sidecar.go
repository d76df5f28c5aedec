package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// away says that a needed part does not answer: 503, and an event comes again.
type away struct{ error }

type sidecar struct{ base, token string }

var client = &http.Client{Timeout: 30 * time.Second}

// call gives the text of a 2xx answer; any other is an error.
func (s sidecar) call(method, path string, body any) ([]byte, error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(method, s.base+path, bytes.NewReader(sent))
	if err != nil {
		return nil, err
	}
	request.Header.Set("content-type", "application/json")
	if s.token != "" {
		request.Header.Set("dapr-api-token", s.token)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, away{err}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, away{err}
	}
	if answer.StatusCode >= 300 {
		return nil, away{fmt.Errorf("%s answers %d: %.300s", path, answer.StatusCode, text)}
	}
	return text, nil
}

func (s sidecar) ready() bool {
	_, err := s.call("GET", "/v1.0/healthz/outbound", nil)
	return err == nil
}

func (s sidecar) statement(operation, sql string, params []any) ([]byte, error) {
	if params == nil {
		params = []any{}
	}
	encoded, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	metadata := map[string]string{"sql": sql, "params": string(encoded)}
	return s.call("POST", "/v1.0/bindings/"+app+"-sql", map[string]any{"operation": operation, "metadata": metadata})
}

func (s sidecar) exec(sql string, params ...any) error {
	_, err := s.statement("exec", sql, params)
	return err
}

// rows gives what a statement selects in one column of JSON. An error while rows are read looks like no rows to the
// binding, so they come in one row that is always there.
func rows[T any](s sidecar, sql string, params ...any) ([]T, error) {
	text, err := s.statement("query", "SELECT coalesce(jsonb_agg(found.one), '[]') FROM ("+sql+") AS found(one)", params)
	if err != nil {
		return nil, err
	}
	var answer [][][]T
	if err := json.Unmarshal(text, &answer); err != nil || len(answer) != 1 || len(answer[0]) != 1 {
		return nil, away{errors.New("the database did not say")}
	}
	return answer[0][0], nil
}

// insert is false when there is such a row.
func (s sidecar) insert(key string, value any) (bool, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return false, err
	}
	failed := s.exec("INSERT INTO state (key, value, isbinary) VALUES ($1, $2::text::jsonb, false)", key, string(encoded))
	if failed == nil {
		return true, nil
	}
	found, err := rows[string](s, "SELECT to_jsonb(key) FROM state WHERE key = $1", key)
	if err == nil && len(found) == 0 {
		err = failed
	}
	return false, err
}

type contact struct {
	ID string `json:"id"`
}

// contact is nil when the user service knows no such account.
func (s sidecar) contact(user string) (*contact, error) {
	text, err := s.call("POST", "/v1.0/invoke/user/method/rpc/users", map[string]any{"user_ids": []string{user}})
	if err != nil {
		return nil, err
	}
	var answer struct{ Users []contact }
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, away{err}
	}
	if len(answer.Users) == 0 {
		return nil, nil
	}
	return &answer.Users[0], nil
}

// settings are followed live; how much is logged changes at once.
type settings struct {
	level                              *slog.LevelVar
	start                              slog.Level
	keepNotifications, keepDeadLetters int
}

func (l *settings) read(s sidecar) error {
	text, err := s.call("GET", "/v1.0/configuration/configuration?key=keep_notifications_days&key=keep_dead_letters_days&key=log_level", nil)
	if err != nil {
		return err
	}
	items := map[string]struct{ Value string }{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &items); err != nil {
			return err
		}
	}
	days := func(key string, otherwise int) int {
		if value, err := strconv.Atoi(items[key].Value); err == nil && value >= 7 && value <= 3650 {
			return value
		}
		return otherwise
	}
	l.keepNotifications = days("keep_notifications_days", 365)
	l.keepDeadLetters = days("keep_dead_letters_days", 90)
	level, known := levels[items["log_level"].Value]
	if !known {
		level = l.start
	}
	l.level.Set(level)
	return nil
}
