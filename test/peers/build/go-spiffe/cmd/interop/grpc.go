package main

import (
	"context"
	"fmt"
	"net"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffegrpc/grpccredentials"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

type bundleSource = x509bundle.Source

func serveGRPC(ctx context.Context, opts options) error {
	peer, err := peerID(opts)
	if err != nil {
		return err
	}
	source, err := x509Source(ctx, opts)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	credentials := grpccredentials.MTLSServerCredentials(source, source, tlsconfig.AuthorizeID(peer))
	server := grpc.NewServer(grpc.Creds(credentials), grpc.UnaryInterceptor(printPeer))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go func() {
		<-ctx.Done()
		server.Stop()
	}()
	printListening(listener)
	return server.Serve(listener)
}

func printPeer(ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if id, ok := grpccredentials.PeerIDFromContext(ctx); ok {
		print(map[string]any{"event": "request", "peer": id.String()})
	}
	return handle(ctx, request)
}

// callGRPC calls Check and takes the first message of Watch.
func callGRPC(ctx context.Context, opts options) error {
	peer, err := peerID(opts)
	if err != nil {
		return err
	}
	source, err := x509Source(ctx, opts)
	if err != nil {
		return err
	}
	credentials := grpccredentials.MTLSClientCredentials(source, source, tlsconfig.AuthorizeID(peer))
	connection, err := grpc.NewClient(opts.address, grpc.WithTransportCredentials(credentials))
	if err != nil {
		return err
	}
	defer connection.Close()
	client := grpc_health_v1.NewHealthClient(connection)
	checked, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		return err
	}
	stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		return err
	}
	watched, err := stream.Recv()
	if err != nil {
		return err
	}
	if watched.Status != checked.Status {
		return fmt.Errorf("Check says %v, Watch %v", checked.Status, watched.Status)
	}
	print(map[string]any{"body": checked.Status.String()})
	return nil
}
