package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/spiffe/go-spiffe/v2/spiffegrpc/grpccredentials"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// caller is what a load is made of.
type caller struct {
	// operation is one request and its checked answer.
	operation func() error
	// takeHandshakes gives the kinds of handshake since it was last called; gRPC does not tell.
	takeHandshakes func() []string
	close          func()
}

// handshakes are the kinds that were seen, in the words of bench/src/https-client.ts.
type handshakes struct {
	sync.Mutex
	seen map[string]bool
}

func (h *handshakes) note(state *tls.ConnectionState) {
	kind := "full"
	if state.DidResume {
		kind = "resumed"
	}
	version := fmt.Sprintf("TLSv1.%d", state.Version-tls.VersionTLS10)
	text := fmt.Sprintf("%s %s %s %s", version, tls.CipherSuiteName(state.CipherSuite), state.CurveID, kind)
	h.Lock()
	defer h.Unlock()
	h.seen[text] = true
}

func (h *handshakes) take() []string {
	h.Lock()
	defer h.Unlock()
	taken := append([]string{}, slices.Sorted(maps.Keys(h.seen))...)
	clear(h.seen)
	return taken
}

func httpsCaller(self identity, target target) caller {
	transport := &http.Transport{
		TLSClientConfig:     self.clientTLS(),
		DisableKeepAlives:   target.newConnections,
		MaxIdleConnsPerHost: target.concurrency,
	}
	client := &http.Client{Transport: transport}
	seen := &handshakes{seen: map[string]bool{}}
	url := fmt.Sprintf("https://127.0.0.1:%d/hello", target.port)
	expected := fmt.Sprintf(`{"message":%q}`, greeting(self.svid.ID.String()))
	get := func() error {
		response, err := client.Get(url)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		seen.note(response.TLS)
		if response.StatusCode != http.StatusOK || string(body) != expected {
			return fmt.Errorf("GET /hello must be answered as agreed, got %d %s", response.StatusCode, body)
		}
		return nil
	}
	return caller{get, seen.take, transport.CloseIdleConnections}
}

func grpcCaller(self identity, target target) (caller, error) {
	dial := func() (*grpc.ClientConn, error) {
		authorize := tlsconfig.AuthorizeID(self.peer)
		secure := grpccredentials.MTLSClientCredentials(self.svid, self.bundle, authorize)
		return grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", target.port), grpc.WithTransportCredentials(secure))
	}
	none := func() []string { return []string{} }
	expected := greeting(self.svid.ID.String())
	if target.newConnections {
		call := func() error {
			connection, err := dial()
			if err != nil {
				return err
			}
			defer connection.Close()
			return sayHello(connection, expected)
		}
		return caller{call, none, func() {}}, nil
	}
	connection, err := dial()
	if err != nil {
		return caller{}, err
	}
	call := func() error { return sayHello(connection, expected) }
	return caller{call, none, func() { _ = connection.Close() }}, nil
}

func sayHello(connection *grpc.ClientConn, expected string) error {
	answer := &wrapperspb.StringValue{}
	if err := connection.Invoke(context.Background(), "/"+service+"/"+method, &emptypb.Empty{}, answer); err != nil {
		return err
	}
	if answer.Value != expected {
		return fmt.Errorf("SayHello must be answered as agreed, got %q", answer.Value)
	}
	return nil
}
