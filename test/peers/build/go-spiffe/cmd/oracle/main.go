// Command oracle answers what go-spiffe makes of an input: one JSON object a line on standard input, one on standard output.
// The tests in test/peers compare its answers with ours. "oracle present" instead shows any bytes as a certificate over TLS.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// question holds the fields of every kind; bytes are base64 on the wire.
type question struct {
	Kind        string            `json:"kind"`
	Text        string            `json:"text"`
	TrustDomain string            `json:"trustDomain"`
	Data        []byte            `json:"data"`
	Audience    []string          `json:"audience"`
	Chain       [][]byte          `json:"chain"`
	Bundles     map[string][]byte `json:"bundles"`
	NowMs       int64             `json:"nowMs"`
}

// answer has either a value, whose shape depends on the kind, or an error.
type answer struct {
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "present" {
		present(os.Args[2:])
		return
	}
	questions := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := bufio.NewWriter(os.Stdout)
	answers := json.NewEncoder(out)
	for {
		var q question
		if err := questions.Decode(&q); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			fail(err)
		}
		if err := answers.Encode(ask(q)); err != nil {
			fail(err)
		}
	}
	if err := out.Flush(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "oracle:", err)
	os.Exit(1)
}

// ask turns a panic into an answer, so that the test names the input that caused it.
func ask(q question) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{Error: fmt.Sprintf("panic: %v", p)}
		}
	}()
	value, err := evaluate(q)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Value: value}
}

func evaluate(q question) (any, error) {
	switch q.Kind {
	case "spiffe-id":
		id, err := spiffeid.FromString(q.Text)
		return id.String(), err
	case "trust-domain":
		td, err := spiffeid.TrustDomainFromString(q.Text)
		return td.Name(), err
	case "x509-svid":
		return verifyX509(q)
	case "jwt-svid":
		return validateJWT(q)
	}
	td, err := spiffeid.TrustDomainFromString(q.TrustDomain)
	if err != nil {
		return nil, err
	}
	switch q.Kind {
	case "x509-bundle":
		return certificates(x509bundle.ParseRaw(td, q.Data))
	case "x509-bundle-pem":
		return certificates(x509bundle.Parse(td, q.Data))
	case "jwt-bundle":
		bundle, err := jwtbundle.Parse(td, q.Data)
		if err != nil {
			return nil, err
		}
		return keyIDs(bundle), nil
	case "bundle-document":
		return document(spiffebundle.Parse(td, q.Data))
	}
	return nil, fmt.Errorf("unknown kind %q", q.Kind)
}

func certificates(bundle *x509bundle.Bundle, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return rawOf(bundle.X509Authorities()), nil
}

func rawOf(authorities []*x509.Certificate) [][]byte {
	raw := make([][]byte, 0, len(authorities))
	for _, authority := range authorities {
		raw = append(raw, authority.Raw)
	}
	return raw
}

func keyIDs(bundle *jwtbundle.Bundle) []string {
	ids := []string{}
	for id := range bundle.JWTAuthorities() {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}

func document(bundle *spiffebundle.Bundle, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	value := map[string]any{"x509": rawOf(bundle.X509Authorities()), "jwt": keyIDs(bundle.JWTBundle())}
	if sequence, ok := bundle.SequenceNumber(); ok {
		value["sequence"] = fmt.Sprint(sequence)
	}
	if hint, ok := bundle.RefreshHint(); ok {
		value["refreshHintMs"] = hint.Milliseconds()
	}
	return value, nil
}

func verifyX509(q question) (any, error) {
	set := x509bundle.NewSet()
	for name, der := range q.Bundles {
		bundle, err := x509bundle.ParseRaw(spiffeid.RequireTrustDomainFromString(name), der)
		if err != nil {
			return nil, err
		}
		set.Add(bundle)
	}
	id, _, err := x509svid.ParseAndVerify(q.Chain, set, x509svid.WithTime(time.UnixMilli(q.NowMs)))
	return id.String(), err
}

func validateJWT(q question) (any, error) {
	set := jwtbundle.NewSet()
	for name, jwks := range q.Bundles {
		bundle, err := jwtbundle.Parse(spiffeid.RequireTrustDomainFromString(name), jwks)
		if err != nil {
			return nil, err
		}
		set.Add(bundle)
	}
	svid, err := jwtsvid.ParseAndValidate(q.Text, set, q.Audience)
	if err != nil {
		return nil, err
	}
	return map[string]any{"id": svid.ID.String(), "audience": svid.Audience}, nil
}
