# What a person types; CMake does the work (CMakePresets.json). "make help" lists the targets.
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local
.DEFAULT_GOAL := build
.PHONY: help build demo test bench asan tsan fuzz lint parity coverage install clean deps

define build_preset
	@cmake --preset $(1) >build-$(1).log 2>&1 || { cat build-$(1).log; exit 1; }; rm -f build-$(1).log
	@cmake --build --preset $(1)
endef

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18

deps:
	@scripts/install-deps build test

build: deps ## install what is missing, build build/yh
	$(call build_preset,release)

demo: build ## real text to a model that answers, in a quarter of an hour
	@scripts/demo

test: build ## build, then the fast tests
	@ctest --preset release

bench: build ## this machine's limits, and the kernels against them
	@build/yh bench

asan: deps ## the fast tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(call build_preset,asan)
	@ctest --preset asan

tsan: deps ## the fast tests under ThreadSanitizer
	$(call build_preset,tsan)
	@ctest --preset tsan

fuzz: deps ## every fuzz target for FUZZ_SECONDS (60)
	@scripts/install-deps dev
	$(call build_preset,fuzz)
	@fuzz/run build-fuzz/fuzz $(FUZZ_SECONDS)

lint: deps ## formatting, clang-tidy, -Werror builds with gcc and clang
	@scripts/install-deps dev
	@scripts/lint

parity: build ## compare with numpy, tokenizers, transformers and torch (downloads them)
	@scripts/install-deps parity
	@scripts/peers build/peers
	@YH_PYTHON=$(CURDIR)/build/peers/bin/python ctest --test-dir build --output-on-failure -L parity

coverage: deps ## line coverage of the fast tests, by file
	$(call build_preset,coverage)
	@scripts/coverage build-coverage

install: build ## install yh, libyh and its headers below PREFIX (/usr/local)
	@cmake --install build --prefix $(PREFIX)

clean: ## remove everything that was built
	@rm -rf build build-*
