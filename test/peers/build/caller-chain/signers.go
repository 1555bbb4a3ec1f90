package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

const (
	maxEntryCertificates = 10
	minRSABits           = 2048
)

var keyUsageID = "2.5.29.15"

// bundles by trust domain.
type bundles map[string]*x509.CertPool

func parseBundles(der map[string][][]byte) (bundles, error) {
	all := bundles{}
	for name, authorities := range der {
		all[name] = x509.NewCertPool()
		for _, authority := range authorities {
			certificate, err := x509.ParseCertificate(authority)
			if err != nil {
				return nil, err
			}
			all[name].AddCert(certificate)
		}
	}
	return all, nil
}

// entry is what was sent for one signer.
type entry struct {
	thumbprint string
	chain      [][]byte
}

func readEntries(links []link, texts []string) ([]entry, *refusal) {
	wanted, found := map[string]bool{}, map[string]bool{}
	for _, l := range links {
		wanted[l.thumbprint] = true
	}
	entries := []entry{}
	for i, text := range texts {
		chain := [][]byte{}
		for _, certificate := range strings.Split(text, ".") {
			der, err := decode(certificate)
			if err != nil {
				return nil, refuse(9, "entry %d: %v", i, err)
			}
			chain = append(chain, der)
		}
		thumbprint := digest(chain[0])
		if found[thumbprint] || !wanted[thumbprint] {
			return nil, refuse(9, "entry %d: there already, or of nobody", i)
		}
		found[thumbprint] = true
		entries = append(entries, entry{thumbprint, chain})
	}
	if len(found) < len(wanted) {
		return nil, refuse(9, "%d of %d signers", len(found), len(wanted))
	}
	return entries, nil
}

// signer is whoever holds the key of a verified X.509-SVID.
type signer struct {
	id  string
	key any
}

// verifySVID follows X509-SVID 5: the leaf's rules, then a path to the bundle of its own trust domain.
func verifySVID(chain [][]byte, all bundles, now time.Time) (signer, error) {
	if len(chain) > maxEntryCertificates {
		return signer{}, fmt.Errorf("%d certificates", len(chain))
	}
	certificates := []*x509.Certificate{}
	for _, der := range chain {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return signer{}, err
		}
		certificates = append(certificates, certificate)
	}
	leaf := certificates[0]
	id, err := idOf(leaf)
	if err != nil {
		return signer{}, err
	}
	roots := all[strings.SplitN(id, "/", 4)[2]]
	if roots == nil {
		return signer{}, errors.New("no bundle")
	}
	intermediates := x509.NewCertPool()
	for _, certificate := range certificates[1:] {
		intermediates.AddCert(certificate)
	}
	paths, err := leaf.Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: intermediates,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return signer{}, err
	}
	return signer{id, leaf.PublicKey}, anyStrong(paths)
}

// idOf checks what a leaf must look like: X509-SVID 2 and 4.
func idOf(leaf *x509.Certificate) (string, error) {
	if len(leaf.URIs) != 1 {
		return "", fmt.Errorf("%d URIs", len(leaf.URIs))
	}
	id := leaf.URIs[0].String()
	if !isSPIFFEID(id) || strings.Count(id, "/") < 3 {
		return "", fmt.Errorf("%q is no SPIFFE ID with a path", id)
	}
	if leaf.IsCA {
		return "", errors.New("a CA")
	}
	critical := false
	for _, extension := range leaf.Extensions {
		critical = critical || extension.Id.String() == keyUsageID && extension.Critical
	}
	if !critical || leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return "", errors.New("no critical keyUsage with digitalSignature")
	}
	if leaf.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0 {
		return "", errors.New("may sign certificates")
	}
	return id, nil
}

// anyStrong asks for a path without short RSA keys. Go refuses SHA-1 itself.
func anyStrong(paths [][]*x509.Certificate) error {
	for _, path := range paths {
		if strong(path) {
			return nil
		}
	}
	return errors.New("a short RSA key")
}

func strong(path []*x509.Certificate) bool {
	for _, certificate := range path {
		if key, ok := certificate.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
			return false
		}
	}
	return true
}

var errSignature = errors.New("the signature does not hold")

// checkSignature demands the algorithm of the signer's key.
func checkSignature(l link, key any) error {
	data := []byte(l.signed)
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		switch {
		case l.alg == "ES256" && k.Curve == elliptic.P256():
			sum := sha256.Sum256(data)
			return checkECDSA(k, sum[:], l.signature, 32)
		case l.alg == "ES384" && k.Curve == elliptic.P384():
			sum := sha512.Sum384(data)
			return checkECDSA(k, sum[:], l.signature, 48)
		}
	case *rsa.PublicKey:
		if l.alg == "RS256" {
			sum := sha256.Sum256(data)
			return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], l.signature)
		}
	case ed25519.PublicKey:
		if l.alg == "EdDSA" {
			if len(l.signature) == ed25519.SignatureSize && ed25519.Verify(k, data, l.signature) {
				return nil
			}
			return errSignature
		}
	}
	return fmt.Errorf("%s for a %T", l.alg, key)
}

// checkECDSA reads the two numbers side by side (RFC 7518, 3.4).
func checkECDSA(key *ecdsa.PublicKey, sum, signature []byte, size int) error {
	if len(signature) != 2*size {
		return fmt.Errorf("%d bytes", len(signature))
	}
	r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
	if !ecdsa.Verify(key, sum, r, s) {
		return errSignature
	}
	return nil
}
