package main

import (
	"crypto/tls"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// credentials are those of bench/src/credentials.ts.
type credentials struct {
	SPIFFEID       string `json:"spiffeId"`
	CertificatePEM string `json:"certificatePem"`
	PrivateKeyPEM  string `json:"privateKeyPem"`
	BundlePEM      string `json:"bundlePem"`
	PeerID         string `json:"peerId"`
}

// identity is what go-spiffe makes configurations from.
type identity struct {
	svid   *x509svid.SVID
	bundle *x509bundle.Bundle
	peer   spiffeid.ID
}

func (c credentials) identity() (identity, error) {
	svid, err := x509svid.Parse([]byte(c.CertificatePEM), []byte(c.PrivateKeyPEM))
	if err != nil {
		return identity{}, err
	}
	bundle, err := x509bundle.Parse(svid.ID.TrustDomain(), []byte(c.BundlePEM))
	if err != nil {
		return identity{}, err
	}
	peer, err := spiffeid.FromString(c.PeerID)
	return identity{svid, bundle, peer}, err
}

func (i identity) serverTLS() *tls.Config {
	return tls13(tlsconfig.MTLSServerConfig(i.svid, i.bundle, tlsconfig.AuthorizeID(i.peer)))
}

func (i identity) clientTLS() *tls.Config {
	return tls13(tlsconfig.MTLSClientConfig(i.svid, i.bundle, tlsconfig.AuthorizeID(i.peer)))
}

func tls13(config *tls.Config) *tls.Config {
	config.MinVersion = tls.VersionTLS13
	return config
}

// greeting is what every server of a run answers to a caller, as bench/src/greeting.ts has it.
func greeting(caller string) string {
	return "Hello " + caller + " from the server"
}
