package main

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"
)

// problem is a refusal that the client is told about (RFC 9457).
type problem struct {
	status int
	detail string
}

func (p problem) Error() string { return p.detail }

type answer struct {
	http.ResponseWriter
	status int
	reason string
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) send(status int, kind string, body any) {
	a.Header().Set("content-type", kind)
	a.WriteHeader(status)
	_ = json.NewEncoder(a).Encode(body)
}

// handler answers; an error becomes a problem: what was asked wrongly, what is away for now, or a fault of ours.
type handler func(s *service, a *answer, r *http.Request) error

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	alive := func(_ *service, a *answer, _ *http.Request) error {
		a.send(200, "application/json", map[string]string{"status": "ok"})
		return nil
	}
	routes := map[string]handler{
		"GET /healthz": alive, "GET /health": alive, "GET /readyz": readiness,
		"GET /notifications":  notifications,
		"GET /dapr/subscribe": subscribed, "POST /events/{topic}": event, "POST /dead-letters": undeliverable,
		"GET /admin/dead-letters": deadLetters, "GET /admin/dead-letters/notification/{id}": deadLetter,
		"DELETE /admin/dead-letters/notification/{id}":       discard,
		"POST /admin/dead-letters/notification/{id}/redrive": redrive,
	}
	for pattern, handle := range routes {
		mux.HandleFunc(pattern, s.answering(handle, strings.HasSuffix(pattern, "z") || pattern == "GET /health"))
	}
	mux.HandleFunc("/", s.answering(func(_ *service, _ *answer, r *http.Request) error {
		return problem{404, "there is no " + r.URL.Path}
	}, false))
	return mux
}

type orderKey struct{}

// answering is what every route shares: the door, problems, and one line in the log that names order and trace.
func (s *service) answering(handle handler, probe bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		order := new(string)
		r = r.WithContext(context.WithValue(r.Context(), orderKey{}, order))
		a := &answer{ResponseWriter: w, status: 200}
		given := r.Header.Get("dapr-api-token")
		switch {
		case s.stopping.Load():
			s.fail(a, away{errors.New("this replica is stopping")})
		case !probe && s.token != "" && subtle.ConstantTimeCompare([]byte(given), []byte(s.token)) != 1:
			s.fail(a, problem{401, "this port answers its sidecar only"})
		default:
			if err := handle(s, a, r); err != nil {
				s.fail(a, err)
			}
		}
		if probe {
			return
		}
		line := []any{"method", r.Method, "path", r.URL.Path, "status", a.status, "ms", time.Since(started).Milliseconds()}
		for _, more := range [][2]string{{"order_id", *order}, {"trace_id", traceOf(r)}, {"reason", a.reason}} {
			if more[1] != "" {
				line = append(line, more[0], more[1])
			}
		}
		slog.Info("request", line...)
	}
}

// about says which order a request is about, for its line in the log.
func about(r *http.Request, order string) { *r.Context().Value(orderKey{}).(*string) = order }

func traceOf(r *http.Request) string {
	parts := strings.Split(r.Header.Get("traceparent"), "-")
	if len(parts) != 4 {
		return ""
	}
	return parts[1]
}

func (s *service) fail(a *answer, err error) {
	var refused problem
	var missing away
	status, detail := 500, "something broke on our side"
	switch {
	case errors.As(err, &refused):
		status, detail = refused.status, refused.detail
		// What is wrong with a request quotes it, and no log repeats what clients send.
		if status != 400 {
			a.reason = detail
		}
	case errors.As(err, &missing):
		status, detail = 503, "a needed part is away; nothing is lost, try again"
		a.Header().Set("retry-after", "2")
		slog.Warn("a needed part is away", "cause", err.Error())
	default:
		slog.Error("request failed", "error", err.Error())
	}
	if status == 401 {
		a.Header().Set("www-authenticate", "Bearer")
	}
	body := map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail}
	a.send(status, "application/problem+json", body)
}

func readiness(s *service, a *answer, _ *http.Request) error {
	if !s.ready.Load() || !s.sidecar.ready() {
		a.send(503, "application/json", map[string]string{"status": "waiting for the sidecar or a component"})
		return nil
	}
	a.send(200, "application/json", map[string]string{"status": "ready"})
	return nil
}

func readBody(r *http.Request) ([]byte, error) {
	const most = 4 << 20
	text, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err == nil && len(text) > most {
		err = problem{413, "the body is too large"}
	}
	return bytes.TrimSpace(text), err
}

// Log levels as the settings name them.
var levels = map[string]slog.Level{
	"trace": slog.LevelDebug, "debug": slog.LevelDebug, "info": slog.LevelInfo,
	"warn": slog.LevelWarn, "error": slog.LevelError, "fatal": slog.LevelError + 4, "silent": slog.LevelError + 8,
}

// logger writes lines as the other services do: time, msg and level as numbers.
func logger(level *slog.LevelVar) *slog.Logger {
	numbers := map[slog.Level]int{slog.LevelDebug: 20, slog.LevelInfo: 30, slog.LevelWarn: 40, slog.LevelError: 50}
	replace := func(_ []string, field slog.Attr) slog.Attr {
		if field.Key == slog.LevelKey {
			return slog.Int("level", numbers[field.Value.Any().(slog.Level)])
		}
		return field
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: replace}
	return slog.New(slog.NewJSONHandler(os.Stdout, options)).With("service", app)
}
