// Pins SPIRE for `npm run peers`, which builds spire-server and spire-agent from a copy of this folder. One requirement:
// every other version follows from SPIRE's own go.mod, and go.sum holds the hash of each.
module countersign.invalid/peers/spire

go 1.26.6

require github.com/spiffe/spire v1.15.3

// NOT the real SDK but an empty package of ours, see ejbca-stub: the module proxy does not serve the real one everywhere.
// A server built so has no EJBCA upstream authority; everything else is SPIRE, unchanged.
replace github.com/Keyfactor/ejbca-go-client-sdk => ./ejbca-stub
