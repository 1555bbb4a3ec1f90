// Package landlock is NOT go-landlock. It is an empty stand-in of ours: the checksum database has no record of the real
// one. The calls of a ghostunnel built with it return an error, so --use-landlock fails instead of doing nothing.
package landlock

import "errors"

var errStub = errors.New("landlock is not built into this ghostunnel")

type Rule interface{}
type NetRule interface{ Rule }
type FSRule struct{}
type Config struct{}

var V4 = Config{}

func (Config) RestrictPaths(...Rule) error { return errStub }
func (Config) RestrictNet(...Rule) error   { return errStub }
func RWDirs(...string) FSRule              { return FSRule{} }
func RODirs(...string) FSRule              { return FSRule{} }
func RWFiles(...string) FSRule             { return FSRule{} }
func BindTCP(uint16) NetRule               { return nil }
func ConnectTCP(uint16) NetRule            { return nil }
