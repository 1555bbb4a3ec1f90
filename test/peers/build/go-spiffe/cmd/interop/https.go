package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"

	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

func serveHTTPS(ctx context.Context, opts options) error {
	config, err := tlsFor(ctx, opts, tlsconfig.MTLSServerConfig)
	if err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(greet), ErrorLog: log.New(refusals{}, "", 0)}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	printListening(listener)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func greet(response http.ResponseWriter, request *http.Request) {
	id, err := x509svid.IDFromCert(request.TLS.PeerCertificates[0])
	if err != nil {
		http.Error(response, err.Error(), http.StatusInternalServerError)
		return
	}
	print(map[string]any{"event": "request", "peer": id.String()})
	_, _ = io.WriteString(response, "Hello "+id.String())
}

func callHTTPS(ctx context.Context, opts options) error {
	config, err := tlsFor(ctx, opts, tlsconfig.MTLSClientConfig)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+opts.address+"/", nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	print(map[string]any{"body": string(body)})
	return nil
}

// tlsFor makes a configuration that lets in the one peer of the options.
func tlsFor(
	ctx context.Context, opts options, make func(x509svid.Source, bundleSource, tlsconfig.Authorizer, ...tlsconfig.Option) *tls.Config,
) (*tls.Config, error) {
	peer, err := peerID(opts)
	if err != nil {
		return nil, err
	}
	source, err := x509Source(ctx, opts)
	if err != nil {
		return nil, err
	}
	return make(source, source, tlsconfig.AuthorizeID(peer)), nil
}

func printListening(listener net.Listener) {
	print(map[string]any{"event": "listening", "port": listener.Addr().(*net.TCPAddr).Port})
}

// refusals prints what net/http says of handshakes that failed.
type refusals struct{}

func (refusals) Write(text []byte) (int, error) {
	print(map[string]any{"event": "refused", "reason": strings.TrimSpace(string(text))})
	return len(text), nil
}
