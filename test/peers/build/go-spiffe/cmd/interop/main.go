// Command interop is go-spiffe as a peer of the tests in test/peers: what the commands do and print stands in
// test/peers/language-peer.ts. Each prints JSON lines, and serves on a free port of 127.0.0.1 until it is told to stop.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spiffe/go-spiffe/v2/logger"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

// options are the flags of all commands.
type options struct {
	workloadAPI string
	authorize   string
	address     string
	audience    string
	token       string
	trustDomain string
	webRoots    string
	webCert     string
	webKey      string
}

var commands = map[string]func(context.Context, options) error{
	"https-server":  serveHTTPS,
	"https-client":  callHTTPS,
	"grpc-server":   serveGRPC,
	"grpc-client":   callGRPC,
	"watch":         watch,
	"jwt-fetch":     fetchJWT,
	"jwt-validate":  validateJWT,
	"bundle-fetch":  fetchBundle,
	"bundle-server": serveBundle,
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "interop: no such command")
		os.Exit(2)
	}
	opts := parse(os.Args[2:])
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// A peer that is refused is an answer, not a failure of this program.
	if err := commands[os.Args[1]](ctx, opts); err != nil {
		print(map[string]any{"error": err.Error()})
	}
}

func parse(args []string) options {
	var opts options
	flags := flag.NewFlagSet("interop", flag.ExitOnError)
	flags.StringVar(&opts.workloadAPI, "workload-api", "", "address of the Workload API")
	flags.StringVar(&opts.authorize, "authorize", "", "SPIFFE ID of the one peer that is let in")
	flags.StringVar(&opts.address, "address", "", "host:port of the server, or URL of the bundle endpoint")
	flags.StringVar(&opts.audience, "audience", "", "audience of the JWT-SVID")
	flags.StringVar(&opts.token, "token", "", "the JWT-SVID")
	flags.StringVar(&opts.trustDomain, "trust-domain", "", "trust domain of the bundle")
	flags.StringVar(&opts.webRoots, "web-roots", "", "PEM file of CAs for https_web")
	flags.StringVar(&opts.webCert, "web-cert", "", "PEM file of the web certificate for https_web")
	flags.StringVar(&opts.webKey, "web-key", "", "PEM file of its key")
	_ = flags.Parse(args)
	return opts
}

// print writes one JSON line.
func print(line map[string]any) {
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		os.Exit(1)
	}
}

func clientOption(opts options) workloadapi.ClientOption {
	return workloadapi.WithAddr(opts.workloadAPI)
}

// x509Source is ready when this returns.
func x509Source(ctx context.Context, opts options) (*workloadapi.X509Source, error) {
	bounded, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	client := workloadapi.WithClientOptions(clientOption(opts), workloadapi.WithLogger(logger.Null))
	return workloadapi.NewX509Source(bounded, client)
}

func peerID(opts options) (spiffeid.ID, error) {
	return spiffeid.FromString(opts.authorize)
}
