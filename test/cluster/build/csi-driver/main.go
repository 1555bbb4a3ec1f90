// Program csi-driver puts the folder with the SPIRE agent's socket into pods that ask for it by a CSI volume. It is a
// stand-in, for our test cluster alone, for spiffe-csi-driver and node-driver-registrar, whose modules can't be fetched
// everywhere: one process that does what the test needs of both. Use the real ones in a cluster of yours.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

type settings struct {
	driverName, nodeID, source            string
	csiSocket, kubeletPath, registryEntry string
}

func main() {
	signalled, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	settings, err := parseSettings()
	if err == nil {
		err = run(signalled, settings)
	}
	if err != nil {
		log.Fatalf("csi-driver: %v", err)
	}
}

func parseSettings() (settings, error) {
	var s settings
	flag.StringVar(&s.driverName, "driver-name", "csi.spiffe.io", "what volumes name as their driver")
	flag.StringVar(&s.nodeID, "node-id", os.Getenv("NODE_NAME"), "name of the node; default: $NODE_NAME")
	flag.StringVar(&s.source, "source", "", "folder that pods get")
	flag.StringVar(&s.csiSocket, "csi-socket", "", "socket to serve CSI on")
	flag.StringVar(&s.kubeletPath, "kubelet-path", "", "the same socket as the kubelet sees it")
	flag.StringVar(&s.registryEntry, "registration", "", "socket to serve in the kubelet's plugin registry")
	flag.Parse()
	for _, required := range []struct{ name, value string }{
		{"-node-id", s.nodeID}, {"-source", s.source}, {"-csi-socket", s.csiSocket},
		{"-kubelet-path", s.kubeletPath}, {"-registration", s.registryEntry},
	} {
		if required.value == "" {
			return s, fmt.Errorf("%s must be set", required.name)
		}
	}
	return s, nil
}

// run serves until it is signalled or a server fails. CSI first: the kubelet calls it as soon as it sees the registration.
func run(signalled context.Context, s settings) error {
	server := grpc.NewServer()
	csi.RegisterIdentityServer(server, identity{name: s.driverName})
	csi.RegisterNodeServer(server, node{id: s.nodeID, source: s.source})
	registrar := grpc.NewServer()
	registration.RegisterRegistrationServer(registrar, registrationOf(s))

	failed := make(chan error, 2)
	for _, it := range []struct {
		path   string
		server *grpc.Server
	}{{s.csiSocket, server}, {s.registryEntry, registrar}} {
		listener, err := listen(it.path)
		if err != nil {
			return err
		}
		go func() { failed <- it.server.Serve(listener) }()
		defer it.server.Stop()
	}
	select {
	case err := <-failed:
		return err
	case <-signalled.Done():
		return nil
	}
}

// listen takes the place of a socket that an earlier run left behind.
func listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.Listen("unix", path)
}
