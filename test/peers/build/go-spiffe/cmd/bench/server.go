package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"

	"github.com/spiffe/go-spiffe/v2/spiffegrpc/grpccredentials"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type variant struct {
	Transport string `json:"transport"`
}

// start listens on a free port of loopback and gives it.
func start(argument json.RawMessage) (any, error) {
	var asked struct {
		Variant     variant     `json:"variant"`
		Credentials credentials `json:"credentials"`
	}
	if err := json.Unmarshal(argument, &asked); err != nil {
		return nil, err
	}
	self, err := asked.Credentials.identity()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	serve := serveHTTPS
	if asked.Variant.Transport == "grpc" {
		serve = serveGRPC
	}
	go serve(listener, self)
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func serveHTTPS(listener net.Listener, self identity) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(response http.ResponseWriter, _ *http.Request) {
		response.Header().Set("Content-Type", "application/json; charset=utf-8")
		body, _ := json.Marshal(map[string]string{"message": greeting(self.peer.String())})
		_, _ = response.Write(body)
	})
	_ = http.Serve(tls.NewListener(listener, self.serverTLS()), mux)
}

const (
	service = "countersign.hello.v1.HelloService"
	method  = "SayHello"
)

// serveGRPC has no generated code: the request is empty, and the answer is one string in field 1.
func serveGRPC(listener net.Listener, self identity) {
	authorize := tlsconfig.AuthorizeID(self.peer)
	server := grpc.NewServer(grpc.Creds(grpccredentials.MTLSServerCredentials(self.svid, self.bundle, authorize)))
	answer := func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		if err := decode(&emptypb.Empty{}); err != nil {
			return nil, err
		}
		return wrapperspb.String(greeting(self.peer.String())), nil
	}
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: service,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: method, Handler: answer}},
	}, nil)
	_ = server.Serve(listener)
}
