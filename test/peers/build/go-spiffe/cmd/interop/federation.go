package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/federation"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

// fetchBundle asks a bundle endpoint once: by https_web with the roots given, else by https_spiffe for the ID to authorize.
func fetchBundle(ctx context.Context, opts options) error {
	trustDomain, err := spiffeid.TrustDomainFromString(opts.trustDomain)
	if err != nil {
		return err
	}
	option, err := endpointOption(ctx, opts)
	if err != nil {
		return err
	}
	bundle, err := federation.FetchBundle(ctx, trustDomain, opts.address, option)
	if err != nil {
		return err
	}
	printBundle(bundle)
	return nil
}

func endpointOption(ctx context.Context, opts options) (federation.FetchOption, error) {
	if opts.webRoots != "" {
		pem, err := os.ReadFile(opts.webRoots)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("web roots: no certificate")
		}
		return federation.WithWebPKIRoots(roots), nil
	}
	endpoint, err := peerID(opts)
	if err != nil {
		return nil, err
	}
	source, err := x509Source(ctx, opts)
	if err != nil {
		return nil, err
	}
	return federation.WithSPIFFEAuth(source, endpoint), nil
}

func printBundle(bundle *spiffebundle.Bundle) {
	hint, _ := bundle.RefreshHint()
	sequence, _ := bundle.SequenceNumber()
	print(map[string]any{
		"trustDomain": bundle.TrustDomain().Name(),
		"x509":        len(bundle.X509Authorities()),
		"jwt":         len(bundle.JWTAuthorities()),
		"refreshHint": hint.Seconds(),
		"sequence":    sequence,
	})
}

// serveBundle serves the own trust domain's bundle: by https_web with the certificate given, else by https_spiffe with the
// own SVID.
func serveBundle(ctx context.Context, opts options) error {
	trustDomain, err := spiffeid.TrustDomainFromString(opts.trustDomain)
	if err != nil {
		return err
	}
	source, err := workloadapi.NewBundleSource(ctx, workloadapi.WithClientOptions(clientOption(opts)))
	if err != nil {
		return err
	}
	handler, err := federation.NewHandler(trustDomain, source)
	if err != nil {
		return err
	}
	config, err := endpointTLS(ctx, opts)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	printListening(listener)
	if err := server.Serve(tls.NewListener(listener, config)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func endpointTLS(ctx context.Context, opts options) (*tls.Config, error) {
	if opts.webCert != "" {
		certificate, err := tls.LoadX509KeyPair(opts.webCert, opts.webKey)
		return &tls.Config{Certificates: []tls.Certificate{certificate}}, err
	}
	source, err := x509Source(ctx, opts)
	if err != nil {
		return nil, err
	}
	return tlsconfig.TLSServerConfig(source), nil
}
