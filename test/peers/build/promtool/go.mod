// Pins promtool for `npm run peers`, which builds it from a copy of this folder: of Prometheus 3.15.1, as the Collector's
// exporter beside it takes it, so that what both need is compiled once.
module countersign.invalid/peers/promtool

go 1.26.0

require github.com/prometheus/prometheus v0.315.1
