package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// claims are what an access token says.
type claims struct {
	Sub   string          `json:"sub"`
	Roles []string        `json:"roles"`
	Iss   string          `json:"iss"`
	Aud   json.RawMessage `json:"aud"`
	Exp   float64         `json:"exp"`
	Nbf   float64         `json:"nbf"`
}

// keys are the user service's public ones, by kid.
type keys struct {
	mutex sync.Mutex
	known map[string]ed25519.PublicKey
	asked time.Time
}

// find asks for the keys when they are ten minutes old, or when one is unknown, but not twice in five seconds.
func (k *keys) find(s sidecar, kid string) (ed25519.PublicKey, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	age := time.Since(k.asked)
	if _, known := k.known[kid]; k.known == nil || age > 10*time.Minute || (!known && age > 5*time.Second) {
		text, err := s.call("GET", "/v1.0/invoke/user/method/.well-known/jwks.json", nil)
		if err != nil {
			return nil, err
		}
		var set struct {
			Keys []struct{ Kid, Kty, Crv, X string }
		}
		if err := json.Unmarshal(text, &set); err != nil {
			return nil, away{err}
		}
		k.known, k.asked = map[string]ed25519.PublicKey{}, time.Now()
		for _, key := range set.Keys {
			x, err := base64.RawURLEncoding.DecodeString(key.X)
			if err == nil && key.Kty == "OKP" && key.Crv == "Ed25519" && len(x) == ed25519.PublicKeySize {
				k.known[key.Kid] = x
			}
		}
	}
	return k.known[kid], nil
}

var invalid = problem{401, "the access token is not valid"}

// who calls: a problem of 401 without a good bearer token.
func (s *service) who(r *http.Request) (claims, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("authorization"), " ")
	parts := strings.Split(token, ".")
	if !strings.EqualFold(scheme, "bearer") || len(parts) != 3 {
		return claims{}, problem{401, "sign in and send the access token as Authorization: Bearer …"}
	}
	var header struct {
		Alg, Kid string
		Crit     []string
	}
	var said claims
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !decoded(parts[0], &header) || !decoded(parts[1], &said) || header.Alg != "EdDSA" || header.Crit != nil {
		return claims{}, invalid
	}
	key, err := s.keys.find(s.sidecar, header.Kid)
	if err != nil {
		return claims{}, err
	}
	if key == nil || !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), signature) {
		return claims{}, invalid
	}
	now := float64(time.Now().Unix())
	if said.Iss != "orders" || !meantFor(said.Aud, "orders-api") || said.Exp <= now || said.Nbf > now || !uuid.MatchString(said.Sub) {
		return claims{}, invalid
	}
	return said, nil
}

func (s *service) admin(r *http.Request) error {
	said, err := s.who(r)
	if err == nil && !slices.Contains(said.Roles, "admin") {
		err = problem{403, "only admins may do that"}
	}
	return err
}

func decoded(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

func meantFor(audience json.RawMessage, us string) bool {
	var one string
	var many []string
	if json.Unmarshal(audience, &one) == nil {
		return one == us
	}
	return json.Unmarshal(audience, &many) == nil && slices.Contains(many, us)
}
