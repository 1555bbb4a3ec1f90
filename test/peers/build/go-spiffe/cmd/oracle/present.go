package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// presentation is what to show in a handshake. Go's TLS sends the bytes as they are, certificate or not.
type presentation struct {
	Chain [][]byte `json:"chain"`
	Key   []byte   `json:"key"`
}

const (
	requestText = "GET /secret HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	answerText  = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
	patience    = 20 * time.Second
)

// present takes part in one connection as "client ADDRESS" or "server", with the presentation on standard input, verifies
// nobody, and prints what the other side's application sent. A server first prints its address.
func present(args []string) {
	var p presentation
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		fail(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(p.Key)
	if err != nil {
		fail(err)
	}
	certificate := &tls.Certificate{Certificate: p.Chain, PrivateKey: key}
	config := &tls.Config{
		MinVersion:           tls.VersionTLS13,
		InsecureSkipVerify:   true,
		ClientAuth:           tls.RequestClientCert,
		NextProtos:           []string{"http/1.1"},
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate, nil },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil },
	}
	raw, err := connect(args)
	if err != nil {
		fail(err)
	}
	if err := raw.SetDeadline(time.Now().Add(patience)); err != nil {
		fail(err)
	}
	if args[0] == "client" {
		report(exchange(tls.Client(raw, config), requestText))
	} else {
		report(reply(tls.Server(raw, config)))
	}
}

func connect(args []string) (net.Conn, error) {
	if args[0] == "client" {
		return net.Dial("tcp", args[1])
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	fmt.Println(listener.Addr())
	return listener.Accept()
}

// exchange sends, then reads to the end.
func exchange(connection *tls.Conn, text string) (string, error) {
	defer connection.Close()
	if _, err := io.WriteString(connection, text); err != nil {
		return "", err
	}
	received, err := io.ReadAll(connection)
	return string(received), err
}

// reply reads what comes first, then sends.
func reply(connection *tls.Conn) (string, error) {
	defer connection.Close()
	buffer := make([]byte, 4096)
	n, err := connection.Read(buffer)
	if err == nil {
		_, err = io.WriteString(connection, answerText)
	}
	return string(buffer[:n]), err
}

func report(received string, err error) {
	line := map[string]string{"received": received}
	if err != nil {
		line["error"] = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		fail(err)
	}
}
