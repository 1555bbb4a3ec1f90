package main

import (
	"context"
	"strings"

	"github.com/spiffe/go-spiffe/v2/logger"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

// watch prints each state of the X.509 context until it is told to stop.
func watch(ctx context.Context, opts options) error {
	err := workloadapi.WatchX509Context(ctx, watcher{}, clientOption(opts), workloadapi.WithLogger(logger.Null))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

type watcher struct{}

func (watcher) OnX509ContextUpdate(state *workloadapi.X509Context) {
	bundles := map[string]int{}
	for _, bundle := range state.Bundles.Bundles() {
		bundles[bundle.TrustDomain().Name()] = len(bundle.X509Authorities())
	}
	svid := state.DefaultSVID()
	serial := strings.ToUpper(svid.Certificates[0].SerialNumber.Text(16))
	if len(serial)%2 == 1 {
		serial = "0" + serial
	}
	print(map[string]any{"event": "update", "id": svid.ID.String(), "serial": serial, "bundles": bundles})
}

func (watcher) OnX509ContextWatchError(err error) {
	print(map[string]any{"event": "error", "reason": err.Error()})
}

func fetchJWT(ctx context.Context, opts options) error {
	svid, err := workloadapi.FetchJWTSVID(ctx, jwtsvid.Params{Audience: opts.audience}, clientOption(opts))
	if err != nil {
		return err
	}
	print(map[string]any{"token": svid.Marshal()})
	return nil
}

// validateJWT asks nobody: keys come from the Workload API, the verdict is go-spiffe's.
func validateJWT(ctx context.Context, opts options) error {
	source, err := workloadapi.NewJWTSource(ctx, workloadapi.WithClientOptions(clientOption(opts), workloadapi.WithLogger(logger.Null)))
	if err != nil {
		return err
	}
	defer source.Close()
	svid, err := jwtsvid.ParseAndValidate(opts.token, source, []string{opts.audience})
	if err != nil {
		return err
	}
	print(map[string]any{"id": svid.ID.String()})
	return nil
}
