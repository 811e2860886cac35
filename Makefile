CONFIGURATION ?= Release
RUN ?= runs/shapes
WORKERS ?= 2
DOTNET_BUILD = dotnet build VaeCluster.sln -c $(CONFIGURATION) --nologo -v quiet

.PHONY: help setup build train test bench bench-full chaos image test-page test-k8s format clean

help:           ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup:          ## install what the build needs
	@bash eng/setup.sh build

build: setup    ## build the program: bin/vaecluster
	@dotnet publish src/VaeCluster -c $(CONFIGURATION) --nologo -v quiet -o bin

train: build    ## train the embedded default with a coordinator and two workers, into runs/shapes
	bin/vaecluster train --run $(RUN) --workers $(WORKERS)

test: build     ## build and run all tests
	@bash eng/setup.sh test
	@$(DOTNET_BUILD)
	@dotnet format whitespace VaeCluster.sln --verify-no-changes --no-restore
	@bash eng/test.sh $(CONFIGURATION)

bench: build    ## the paired benchmarks, into docs/benchmarks.md
	@bash eng/setup.sh test
	@$(DOTNET_BUILD)
	@artifacts/bin/Benchmarks/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/Benchmarks --page docs/benchmarks.md

bench-full: build ## all of them, those of single parts too
	@bash eng/setup.sh test
	@$(DOTNET_BUILD)
	@artifacts/bin/Benchmarks/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/Benchmarks --full --page docs/benchmarks.md

chaos: build    ## a hundred random schedules of faults against whole clusters
	@bash eng/setup.sh test
	@$(DOTNET_BUILD)
	@VAECLUSTER_CHAOS_SCHEDULES=$${VAECLUSTER_CHAOS_SCHEDULES:-100} VAECLUSTER_CHAOS_STEPS=$${VAECLUSTER_CHAOS_STEPS:-240} artifacts/bin/Cluster.Tests/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/Cluster.Tests -noLogo -class VaeCluster.Cluster.Tests.ChaosTests

image:          ## the container image's root file system, without a container engine, and a short run in it (as root)
	@bash eng/test-image.sh

test-page: build ## the status page in a headless Chromium
	@dotnet build tests/Cluster.Tests -c $(CONFIGURATION) --nologo -v quiet
	@bash eng/test-page.sh $(CONFIGURATION)

test-k8s:       ## the chart on a real cluster, where KUBECONFIG names one
	@bash eng/test-k8s.sh

format:         ## format the code
	@dotnet format VaeCluster.sln

clean:          ## remove what was built
	@rm -rf artifacts bin
