// Pins Tilt for `npm run peers -- cluster`, which builds it from a copy of this folder; scripts/cluster-tools-tilt.mjs says what
// is added to its sources. One requirement: every other version follows from its own go.mod, and go.sum holds the hash of each.
module countersign.invalid/cluster/tilt

go 1.26.0

require github.com/tilt-dev/tilt v0.37.7

// Both are Tilt's own, which count only where it is built as the main module: paths that end in a slash, and a browser's output.
replace github.com/emicklei/go-restful/v3 => github.com/emicklei/go-restful/v3 v3.9.0

replace github.com/pkg/browser => github.com/tilt-dev/browser v0.0.1
