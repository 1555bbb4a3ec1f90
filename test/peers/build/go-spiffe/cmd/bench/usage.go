package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// cpuSeconds is user and system time of this process, all its threads together.
func cpuSeconds() (float64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	return seconds(usage.Utime) + seconds(usage.Stime), nil
}

func seconds(time syscall.Timeval) float64 {
	return float64(time.Sec) + float64(time.Usec)/1e6
}

// residentBytes is the memory that this process occupies; nothing where the system does not say so in /proc.
func residentBytes() (any, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var size, resident int
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return nil, err
	}
	return resident * os.Getpagesize(), nil
}
