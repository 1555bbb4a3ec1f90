package main

import (
	"fmt"
	"strings"
	"time"
)

// refusal names the rule of the specification's table that is broken.
type refusal struct {
	rule int
	code string
	why  string
}

// codes of the rules, as the table has them.
var codes = map[int]string{
	1: "CHAIN_MALFORMED", 2: "CHAIN_TOO_LARGE", 3: "CHAIN_MALFORMED", 4: "CHAIN_BROKEN", 5: "CHAIN_PEER_MISMATCH",
	6: "CHAIN_AUDIENCE_MISMATCH", 7: "CHAIN_ACT_MISMATCH", 8: "CHAIN_EXPIRED", 9: "CHAIN_MALFORMED",
	10: "CHAIN_SIGNER_UNTRUSTED", 11: "CHAIN_SIGNER_UNTRUSTED", 12: "CHAIN_SIGNATURE_INVALID", 13: "CHAIN_REPLAYED",
	14: "CHAIN_EXPIRED", 15: "CHAIN_STORE_FULL",
}

func refuse(rule int, format string, args ...any) *refusal {
	return &refusal{rule, codes[rule], fmt.Sprintf(format, args...)}
}

// request is a chain with all that it is judged by.
type request struct {
	headers headers
	call    call
	bundles bundles
	now     time.Time
}

type verifier struct {
	options options
	replays *replayStore
}

func newVerifier(o options) *verifier {
	return &verifier{o, newReplayStore(o.MaxReplayEntries)}
}

// verify asks the rules in their order.
func (v *verifier) verify(r request) ([]link, *refusal) {
	if len(r.headers.Chain) != 1 || len(r.headers.Certs) != 1 {
		return nil, refuse(1, "%d and %d values", len(r.headers.Chain), len(r.headers.Certs))
	}
	chain, certs := r.headers.Chain[0], r.headers.Certs[0]
	texts, entries := strings.Split(chain, ","), strings.Split(certs, ",")
	if len(chain)+len(certs) > v.options.MaxBytes || len(texts) > v.options.MaxLinks {
		return nil, refuse(2, "%d bytes, %d links", len(chain)+len(certs), len(texts))
	}
	links, refused := parseLinks(texts, entries)
	if refused != nil {
		return nil, refused
	}
	last := links[len(links)-1]
	for _, rule := range []func() *refusal{
		func() *refusal { return checkOrder(links) },
		func() *refusal { return checkCall(last, r.call) },
		func() *refusal { return v.checkTimes(links, r.now.UnixMilli()) },
		func() *refusal { return checkSigners(links, entries, r) },
		func() *refusal { return v.replays.add(last, v.options.LeewayMs, r.now.UnixMilli()) },
	} {
		if refused := rule(); refused != nil {
			return nil, refused
		}
	}
	return links, nil
}

func parseLinks(texts, entries []string) ([]link, *refusal) {
	if len(entries) > len(texts) {
		return nil, refuse(3, "%d entries for %d links", len(entries), len(texts))
	}
	links := []link{}
	for i, text := range texts {
		l, err := parseLink(text)
		if err != nil {
			return nil, refuse(3, "link %d: %v", i, err)
		}
		links = append(links, l)
	}
	return links, nil
}

func checkOrder(links []link) *refusal {
	if links[0].prev != nil {
		return refuse(4, "the first link has prev")
	}
	for i := 1; i < len(links); i++ {
		before, l := links[i-1], links[i]
		if l.iss != before.aud || l.prev == nil || *l.prev != digest([]byte(before.text)) || l.txn != before.txn {
			return refuse(4, "link %d does not follow", i)
		}
	}
	return nil
}

func checkCall(last link, c call) *refusal {
	if last.iss != c.Peer {
		return refuse(5, "%q", last.iss)
	}
	if last.aud != c.Self {
		return refuse(6, "%q", last.aud)
	}
	if last.act != c.Act {
		return refuse(7, "%q", last.act)
	}
	if c.BodyDigest != nil && (last.bodyDigest == nil || *last.bodyDigest != *c.BodyDigest) {
		return refuse(7, "bodyDigest")
	}
	return nil
}

func (v *verifier) checkTimes(links []link, nowMs int64) *refusal {
	for i, l := range links {
		iat, exp := l.iat*1000, l.exp*1000
		if exp <= iat || exp > iat+v.options.MaxLifeMs {
			return refuse(8, "link %d lives for %d ms", i, exp-iat)
		}
		if nowMs >= exp+v.options.LeewayMs || nowMs < iat-v.options.LeewayMs {
			return refuse(8, "link %d at %d ms: from %d to %d", i, nowMs, iat, exp)
		}
	}
	return nil
}

func checkSigners(links []link, entries []string, r request) *refusal {
	sent, refused := readEntries(links, entries)
	if refused != nil {
		return refused
	}
	signers := map[string]signer{}
	for i, e := range sent {
		s, err := verifySVID(e.chain, r.bundles, r.now)
		if err != nil {
			return refuse(10, "entry %d: %v", i, err)
		}
		signers[e.thumbprint] = s
	}
	for i, l := range links {
		s := signers[l.thumbprint]
		if s.id != l.iss {
			return refuse(11, "link %d: signed by %q", i, s.id)
		}
		if err := checkSignature(l, s.key); err != nil {
			return refuse(12, "link %d: %v", i, err)
		}
	}
	return nil
}
