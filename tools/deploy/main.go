// Says as JSON what Compose, BuildKit and Kustomize themselves make of our files; the suite e2e/deploy-*.ts asks it, through tools/deploy-program.ts.
//
//	deploy compose <file> <profile>…    the project, every value put in
//	deploy dockerfile <folder>          what BuildKit warns of, its stages, and the files that a build is sent
//	deploy kustomize <folder>           the manifests, as YAML
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("say compose, dockerfile or kustomize, and the path"))
	}
	about, path, rest := os.Args[1], os.Args[2], os.Args[3:]
	ctx := context.Background()
	switch about {
	case "compose":
		print(composed(ctx, path, rest))
	case "dockerfile":
		print(built(ctx, path))
	case "kustomize":
		yaml, err := kustomized(path)
		fail(err)
		_, err = os.Stdout.Write(yaml)
		fail(err)
	default:
		fail(fmt.Errorf("%s is not compose, dockerfile or kustomize", about))
	}
}

func print(value any, err error) {
	fail(err)
	fail(json.NewEncoder(os.Stdout).Encode(value))
}

func fail(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
