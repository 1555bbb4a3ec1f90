// Pins ghostunnel for `npm run peers`, which builds it from a copy of this folder.
module countersign.invalid/peers/ghostunnel

go 1.26

require github.com/ghostunnel/ghostunnel v1.8.4

// NOT the real go-landlock but an empty package of ours, see landlock-stub: the checksum database has no record of the
// real one. A ghostunnel built so has no --use-landlock; everything else is ghostunnel, unchanged.
replace github.com/landlock-lsm/go-landlock => ./landlock-stub
