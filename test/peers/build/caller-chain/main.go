// Command caller-chain verifies caller chains by their specification, docs/reference/caller-chain.md: one test vector a line on
// standard input, what came of each of its steps on standard output. It shares no code with the implementation in TypeScript.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// vector is one verifier and what it is sent, in order.
type vector struct {
	Name    string              `json:"name"`
	Options options             `json:"options"`
	Bundles map[string][][]byte `json:"bundles"`
	Steps   []step              `json:"steps"`
}

type options struct {
	MaxLinks         int   `json:"maxLinks"`
	MaxBytes         int   `json:"maxBytes"`
	LeewayMs         int64 `json:"leewayMs"`
	MaxLifeMs        int64 `json:"maxLifeMs"`
	MaxReplayEntries int   `json:"maxReplayEntries"`
}

type step struct {
	Time    time.Time           `json:"time"`
	Bundles map[string][][]byte `json:"bundles"`
	Headers headers             `json:"headers"`
	Call    call                `json:"call"`
}

// headers has every value of each header.
type headers struct {
	Chain []string `json:"caller-chain"`
	Certs []string `json:"caller-chain-certs"`
}

type call struct {
	Peer       string  `json:"peer"`
	Self       string  `json:"self"`
	Act        string  `json:"act"`
	BodyDigest *string `json:"bodyDigest"`
}

// outcome is an accepted chain, or the rule that refused.
type outcome struct {
	Origin string `json:"origin,omitempty"`
	Txn    string `json:"txn,omitempty"`
	Links  []hop  `json:"links,omitempty"`
	Code   string `json:"code,omitempty"`
	Rule   int    `json:"rule,omitempty"`
	Why    string `json:"why,omitempty"`
}

type hop struct {
	Iss string `json:"iss"`
	Aud string `json:"aud"`
	Act string `json:"act"`
}

func main() {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := bufio.NewWriter(os.Stdout)
	answers := json.NewEncoder(out)
	for {
		var v vector
		if err := in.Decode(&v); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			fail(err)
		}
		outcomes, err := run(v)
		if err != nil {
			fail(fmt.Errorf("%s: %w", v.Name, err))
		}
		if err := answers.Encode(outcomes); err != nil {
			fail(err)
		}
	}
	if err := out.Flush(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "caller-chain:", err)
	os.Exit(1)
}

func run(v vector) ([]outcome, error) {
	bundles, err := parseBundles(v.Bundles)
	if err != nil {
		return nil, err
	}
	verifier := newVerifier(v.Options)
	outcomes := []outcome{}
	for _, s := range v.Steps {
		if s.Bundles != nil {
			if bundles, err = parseBundles(s.Bundles); err != nil {
				return nil, err
			}
		}
		outcomes = append(outcomes, outcomeOf(verifier.verify(request{s.Headers, s.Call, bundles, s.Time})))
	}
	return outcomes, nil
}

func outcomeOf(links []link, refused *refusal) outcome {
	if refused != nil {
		return outcome{Code: refused.code, Rule: refused.rule, Why: refused.why}
	}
	o := outcome{Origin: links[0].iss, Txn: links[0].txn}
	for _, l := range links {
		o.Links = append(o.Links, hop{l.iss, l.aud, l.act})
	}
	return o
}
