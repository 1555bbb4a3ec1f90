package main

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"sync"
	"time"
)

// target is where to call, and how.
type target struct {
	port           int
	concurrency    int
	newConnections bool
}

// figures are the report of bench/src/client-main.ts.
type figures struct {
	Operations       int      `json:"operations"`
	PerSecond        float64  `json:"perSecond"`
	P50Ms            float64  `json:"p50Ms"`
	P99Ms            float64  `json:"p99Ms"`
	ClientCPUSeconds float64  `json:"clientCpuSeconds"`
	Handshakes       []string `json:"handshakes"`
}

var current struct {
	caller
	target
}

// open gets ready, warms up and gives the kinds of handshake seen so far.
func open(argument json.RawMessage) (any, error) {
	var asked struct {
		Variant  variant `json:"variant"`
		Workload struct {
			Concurrency    int  `json:"concurrency"`
			NewConnections bool `json:"newConnections"`
		} `json:"workload"`
		Credentials credentials `json:"credentials"`
		Port        int         `json:"port"`
		WarmUpMs    float64     `json:"warmUpMs"`
	}
	if err := json.Unmarshal(argument, &asked); err != nil {
		return nil, err
	}
	self, err := asked.Credentials.identity()
	if err != nil {
		return nil, err
	}
	current.target = target{asked.Port, asked.Workload.Concurrency, asked.Workload.NewConnections}
	if asked.Variant.Transport == "grpc" {
		current.caller, err = grpcCaller(self, current.target)
	} else {
		current.caller = httpsCaller(self, current.target)
	}
	if err != nil {
		return nil, err
	}
	if _, err := runLoad(asked.WarmUpMs); err != nil {
		return nil, err
	}
	return current.takeHandshakes(), nil
}

// load runs the load that was opened.
func load(argument json.RawMessage) (any, error) {
	var durationMs float64
	if err := json.Unmarshal(argument, &durationMs); err != nil {
		return nil, err
	}
	if current.operation == nil {
		return nil, errors.New(`"open" comes before "load"`)
	}
	report, err := runLoad(durationMs)
	report.Handshakes = current.takeHandshakes()
	return report, err
}

func closeLoad(json.RawMessage) (any, error) {
	if current.close != nil {
		current.close()
	}
	current.caller = caller{}
	return nil, nil
}

// runLoad is a closed loop of a fixed number of callers, for a fixed time; an error ends it.
func runLoad(durationMs float64) (figures, error) {
	cpuBefore, err := cpuSeconds()
	if err != nil {
		return figures{}, err
	}
	started := time.Now()
	end := started.Add(time.Duration(durationMs * float64(time.Millisecond)))
	latencies, failures := make([][]float64, current.concurrency), make([]error, current.concurrency)
	var callers sync.WaitGroup
	for index := range current.concurrency {
		callers.Go(func() { latencies[index], failures[index] = repeat(current.operation, end) })
	}
	callers.Wait()
	elapsed := time.Since(started).Seconds()
	cpuAfter, err := cpuSeconds()
	if err := errors.Join(append(failures, err)...); err != nil {
		return figures{}, err
	}
	all := slices.Sorted(slices.Values(slices.Concat(latencies...)))
	return figures{
		Operations:       len(all),
		PerSecond:        float64(len(all)) / elapsed,
		P50Ms:            percentile(all, 0.5),
		P99Ms:            percentile(all, 0.99),
		ClientCPUSeconds: cpuAfter - cpuBefore,
	}, nil
}

func repeat(operation func() error, end time.Time) (latencies []float64, err error) {
	for began := time.Now(); began.Before(end); began = time.Now() {
		if err := operation(); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(began).Seconds()*1e3)
	}
	return latencies, nil
}

// percentile is by nearest rank, as in bench/src/statistics.ts.
func percentile(ascending []float64, part float64) float64 {
	if len(ascending) == 0 {
		return math.NaN()
	}
	return ascending[int(math.Ceil(part*float64(len(ascending))))-1]
}
