package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// link has the members of header and payload, and what is signed.
type link struct {
	alg, thumbprint  string
	iss, aud, act    string
	txn, jti         string
	iat, exp         int64
	prev, bodyDigest *string
	text, signed     string
	signature        []byte
}

const (
	linkType       = "caller-link+jws"
	maxAct         = 2048
	maxNumber      = 64
	maxNumericDate = 253402300799
	maxSPIFFEID    = 2048
	maxTrustDomain = 255
	randomBytes    = 16
	digestBytes    = 32
)

var (
	part     = regexp.MustCompile(`\A[A-Za-z0-9_-]+\z`)
	action   = regexp.MustCompile(`\A(?:[!-~]{1,32} /[!-~]*|/[!-~]+)\z`)
	domain   = regexp.MustCompile(`\A[a-z0-9._-]+\z`)
	segment  = regexp.MustCompile(`\A[A-Za-z0-9._-]+\z`)
	encoding = base64.RawURLEncoding.Strict()
)

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return encoding.EncodeToString(sum[:])
}

// decode reads base64url. Go's decoder skips line breaks, so the alphabet is looked at first.
func decode(text string) ([]byte, error) {
	if !part.MatchString(text) {
		return nil, errors.New("not base64url")
	}
	return encoding.DecodeString(text)
}

func parseLink(text string) (l link, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return l, fmt.Errorf("%d parts", len(parts))
	}
	l.text, l.signed = text, parts[0]+"."+parts[1]
	if err = l.readHeader(parts[0]); err != nil {
		return l, fmt.Errorf("header: %w", err)
	}
	if err = l.readPayload(parts[1]); err != nil {
		return l, fmt.Errorf("payload: %w", err)
	}
	l.signature, err = decode(parts[2])
	return l, err
}

func (l *link) readHeader(text string) error {
	m, err := readObject(text)
	if err != nil {
		return err
	}
	l.alg = m.text("alg", func(s string) bool { return s == "ES256" || s == "ES384" || s == "RS256" || s == "EdDSA" })
	m.text("typ", func(s string) bool { return s == linkType })
	l.thumbprint = m.text("x5t#S256", isBytes(digestBytes))
	return m.end()
}

func (l *link) readPayload(text string) error {
	m, err := readObject(text)
	if err != nil {
		return err
	}
	l.iss = m.text("iss", isSPIFFEID)
	l.aud = m.text("aud", isSPIFFEID)
	l.act = m.text("act", func(s string) bool { return len(s) <= maxAct && action.MatchString(s) })
	l.txn = m.text("txn", isBytes(randomBytes))
	l.jti = m.text("jti", isBytes(randomBytes))
	l.iat, l.exp = m.date("iat"), m.date("exp")
	l.prev = m.optional("prev", isBytes(digestBytes))
	l.bodyDigest = m.optional("bodyDigest", isBytes(digestBytes))
	return m.end()
}

func isBytes(count int) func(string) bool {
	return func(s string) bool {
		data, err := decode(s)
		return err == nil && len(data) == count
	}
}

// isSPIFFEID follows SPIFFE-ID 2.
func isSPIFFEID(s string) bool {
	rest, found := strings.CutPrefix(s, "spiffe://")
	if !found || len(s) > maxSPIFFEID {
		return false
	}
	segments := strings.Split(rest, "/")
	if !domain.MatchString(segments[0]) || len(segments[0]) > maxTrustDomain {
		return false
	}
	for _, name := range segments[1:] {
		if !segment.MatchString(name) || name == "." || name == ".." {
			return false
		}
	}
	return true
}

// members of an object, each taken out as it is read; the first thing that is wrong is kept.
type members struct {
	values map[string]any
	err    error
}

// readObject reads an object of texts and numbers: no member that a link has is anything else.
func readObject(text string) (*members, error) {
	data, err := decode(text)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, errors.New("not JSON")
	}
	in := json.NewDecoder(bytes.NewReader(data))
	in.UseNumber()
	if token, err := in.Token(); err != nil || token != json.Delim('{') {
		return nil, errors.New("no object")
	}
	m := &members{values: map[string]any{}}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, err
		}
		value, err := in.Token()
		if err != nil {
			return nil, err
		}
		if _, nested := value.(json.Delim); nested {
			return nil, fmt.Errorf("%q is an object or a list", name)
		}
		if _, known := m.values[name.(string)]; known {
			return nil, fmt.Errorf("%q twice", name)
		}
		m.values[name.(string)] = value
	}
	if _, err := in.Token(); err != nil {
		return nil, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something after the object")
	}
	return m, nil
}

func (m *members) fail(name string) {
	if m.err == nil {
		m.err = fmt.Errorf("%s is missing or not as it should be", name)
	}
}

func (m *members) text(name string, fits func(string) bool) string {
	value, _ := m.values[name].(string)
	if !fits(value) {
		m.fail(name)
	}
	delete(m.values, name)
	return value
}

func (m *members) optional(name string, fits func(string) bool) *string {
	if _, found := m.values[name]; !found {
		return nil
	}
	value := m.text(name, fits)
	return &value
}

func (m *members) date(name string) int64 {
	number, _ := m.values[name].(json.Number)
	value, err := strconv.ParseFloat(number.String(), 64)
	if err != nil || len(number) > maxNumber || value != math.Trunc(value) || value < 0 || value > maxNumericDate {
		m.fail(name)
	}
	delete(m.values, name)
	return int64(value)
}

func (m *members) end() error {
	for name := range m.values {
		m.fail(name)
	}
	return m.err
}
