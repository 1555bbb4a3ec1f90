package main

import (
	"encoding/json"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
)

// verify judges each chain as the TLS configuration of go-spiffe does, and gives the microseconds that each took.
func verify(argument json.RawMessage) (any, error) {
	var asked struct {
		Chains    [][][]byte `json:"chains"`
		BundlePEM string     `json:"bundlePem"`
		PeerID    string     `json:"peerId"`
	}
	if err := json.Unmarshal(argument, &asked); err != nil {
		return nil, err
	}
	peer, err := spiffeid.FromString(asked.PeerID)
	if err != nil {
		return nil, err
	}
	bundle, err := x509bundle.Parse(peer.TrustDomain(), []byte(asked.BundlePEM))
	if err != nil {
		return nil, err
	}
	judge := tlsconfig.VerifyPeerCertificate(bundle, tlsconfig.AuthorizeID(peer))
	timesUs := make([]float64, 0, len(asked.Chains))
	for _, chain := range asked.Chains {
		began := time.Now()
		if err := judge(chain, nil); err != nil {
			return nil, err
		}
		timesUs = append(timesUs, float64(time.Since(began).Nanoseconds())/1e3)
	}
	return timesUs, nil
}
