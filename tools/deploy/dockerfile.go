package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
)

type dockerfile struct {
	Warnings []string
	Stages   []stage
	Context  []string
}

type stage struct {
	Name, BaseName string
	Commands       []command
}

// command is one instruction; Fields are BuildKit's own.
type command struct {
	Name   string
	Fields instructions.Command
}

func built(ctx context.Context, folder string) (*dockerfile, error) {
	text, err := os.ReadFile(filepath.Join(folder, "Dockerfile"))
	if err != nil {
		return nil, err
	}
	sent, err := contextOf(folder)
	if err != nil {
		return nil, err
	}
	found := &dockerfile{Warnings: []string{}, Context: sent}
	if err := lint(ctx, text, found); err != nil {
		return nil, err
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(parsed.AST, linter.New(&linter.Config{}))
	if err != nil {
		return nil, err
	}
	for _, each := range stages {
		commands := []command{}
		for _, one := range each.Commands {
			commands = append(commands, command{one.Name(), one})
		}
		found.Stages = append(found.Stages, stage{each.Name, each.BaseName, commands})
	}
	return found, nil
}

// lint looks as `docker build --check` does, with the experimental rules too.
func lint(ctx context.Context, text []byte, found *dockerfile) error {
	_, _, _, _, err := dockerfile2llb.Dockerfile2LLB(ctx, text, dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{LinterConfig: &linter.Config{ExperimentalAll: true}},
		MetaResolver: anyImage{},
		AllStages:    true,
		Warn: func(rule, _, _, message string, _ []parser.Range) {
			found.Warnings = append(found.Warnings, rule+": "+message)
		},
	})
	return err
}

// anyImage stands for the registry: of every base image nothing is known.
type anyImage struct{}

func (anyImage) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, "", []byte(`{"architecture":"amd64","os":"linux","config":{}}`), nil
}

// large are folders that nothing is let through from once they are ignored themselves.
var large = map[string]bool{"node_modules": true, ".git": true, "dist": true}

// contextOf gives the files of a folder that .dockerignore lets through to a build.
func contextOf(folder string) ([]string, error) {
	file, err := os.Open(filepath.Join(folder, ".dockerignore"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	sent := []string{}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil || name == "." {
			return err
		}
		ignored, err := matcher.MatchesOrParentMatches(name)
		if err == nil && ignored && large[name] {
			return fs.SkipDir
		}
		if err == nil && !ignored && !entry.IsDir() {
			sent = append(sent, name)
		}
		return err
	})
	return sent, err
}
