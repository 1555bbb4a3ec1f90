// Command bench is go-spiffe as a rival in bench/: it takes the commands of bench/src/server-main.ts, client-main.ts and
// steps-main.ts as JSON lines on standard input, one at a time, answers each with one line, and ends with its input.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type request struct {
	Name     string          `json:"name"`
	Argument json.RawMessage `json:"argument"`
}

var commands = map[string]func(json.RawMessage) (any, error){
	"start":         start,
	"open":          open,
	"load":          load,
	"close":         closeLoad,
	"cpuSeconds":    func(json.RawMessage) (any, error) { return cpuSeconds() },
	"residentBytes": func(json.RawMessage) (any, error) { return residentBytes() },
	"verify":        verify,
	// There is no policy here.
	"decisions": func(json.RawMessage) (any, error) { return nil, nil },
}

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := json.NewEncoder(os.Stdout)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		if err := output.Encode(answer(line)); err != nil {
			return
		}
	}
}

func answer(line []byte) map[string]any {
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return map[string]any{"error": err.Error()}
	}
	command := commands[asked.Name]
	if command == nil {
		return map[string]any{"error": fmt.Sprintf("no command is named %q", asked.Name)}
	}
	value, err := command(asked.Argument)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return map[string]any{"value": value}
}
