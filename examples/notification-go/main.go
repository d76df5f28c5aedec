// The notification service once more, in Go and without a line of the other's code: what is said on the topics is in
// docs/api/asyncapi.json, what it answers in docs/api/openapi.json. It keeps its rows where the other does, in its own
// database behind its sidecar, so that either can take the other's place while the system runs.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

const app = "notification"

type service struct {
	sidecar  sidecar
	contract contract
	keys     keys
	token    string
	live     settings
	ready    atomic.Bool
	stopping atomic.Bool
}

func main() {
	level := new(slog.LevelVar)
	_ = level.UnmarshalText([]byte(env("LOG_LEVEL", "info")))
	slog.SetDefault(logger(level))
	contract, err := readContract(env("ASYNCAPI", "docs/api/asyncapi.json"))
	if err != nil {
		slog.Error("cannot start: the events' document cannot be read", "error", err.Error())
		os.Exit(1)
	}
	side := sidecar{base: "http://127.0.0.1:" + env("DAPR_HTTP_PORT", "3505"), token: os.Getenv("DAPR_API_TOKEN")}
	s := &service{sidecar: side, contract: contract, token: os.Getenv("APP_API_TOKEN"), live: settings{level: level}}
	s.live.start = level.Level()
	server := &http.Server{Handler: s.routes(), ReadHeaderTimeout: time.Minute, IdleTimeout: 2 * time.Minute}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// daprd waits for the port, so it comes first.
	listener, err := net.Listen("tcp", net.JoinHostPort(env("HOST", "127.0.0.1"), env("APP_PORT", "8085")))
	if err != nil {
		slog.Error("cannot listen", "error", err.Error())
		os.Exit(1)
	}
	go s.work(ctx)
	go func() {
		<-ctx.Done()
		slog.Info("stopping")
		s.stopping.Store(true)
		patience, cancel := context.WithTimeout(context.Background(), 4*time.Second)
		defer cancel()
		_ = server.Shutdown(patience)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		slog.Error("cannot serve", "error", err.Error())
		os.Exit(1)
	}
	<-ctx.Done()
}

var indexes = []string{
	`CREATE INDEX IF NOT EXISTS notifications_by_user ON state ((value->>'user_id'), (value->>'created_at'), key)
	 WHERE starts_with(key, 'notification:')`,
	`CREATE INDEX IF NOT EXISTS dead_letters ON state ((value->>'at'), key) WHERE starts_with(key, 'dead-letter:')`,
}

// work makes the indexes once the sidecar answers, then follows the settings and deletes what has had its time.
func (s *service) work(ctx context.Context) {
	speed, _ := strconv.ParseFloat(env("RETENTION_SPEED", "1"), 64)
	speed = max(speed, 1)
	every := max(time.Duration(float64(time.Minute)/speed), time.Second)
	last := time.Time{}
	for ; ctx.Err() == nil; time.Sleep(min(2*time.Second, every)) {
		if err := s.live.read(s.sidecar); err != nil {
			slog.Warn("the settings cannot be read, the last values stay", "error", err.Error())
			continue
		}
		if !s.ready.Load() && s.prepare() {
			s.ready.Store(true)
			slog.Info("ready")
		}
		if s.ready.Load() && time.Since(last) >= every {
			last = time.Now()
			s.forget("starts_with(key, 'notification:') AND value->>'delivery' <> 'pending'", s.live.keepNotifications, speed)
			s.forget("starts_with(key, 'dead-letter:')", s.live.keepDeadLetters, speed)
		}
	}
}

func (s *service) prepare() bool {
	for _, index := range indexes {
		if err := s.sidecar.exec(index); err != nil {
			slog.Warn("not prepared yet, tries again", "error", err.Error())
			return false
		}
	}
	return true
}

func (s *service) forget(rows string, days int, speed float64) {
	written := "coalesce(updatedate, insertdate)"
	err := s.sidecar.exec(`DELETE FROM state WHERE key IN (SELECT key FROM state WHERE `+rows+`
	  AND `+written+` < now() - make_interval(secs => $1) ORDER BY `+written+` LIMIT 5000 FOR UPDATE SKIP LOCKED)`,
		float64(days)*24*3600/speed)
	if err != nil {
		slog.Warn("old rows not removed, tries again", "error", err.Error())
	}
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
