CONFIGURATION ?= Release
RUN ?= runs/shapes
DOTNET_BUILD = dotnet build VaeCluster.sln -c $(CONFIGURATION) --nologo -v quiet

.PHONY: help setup build train test bench format clean

help:           ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup:          ## install what the build needs
	@bash eng/setup.sh build

build: setup    ## build the program: bin/vaecluster
	@dotnet publish src/VaeCluster -c $(CONFIGURATION) --nologo -v quiet -o bin

train: build    ## train the embedded default, into runs/shapes
	bin/vaecluster train --run $(RUN)

test: build     ## build and run all tests
	@bash eng/setup.sh test
	@$(DOTNET_BUILD)
	@dotnet format whitespace VaeCluster.sln --verify-no-changes --no-restore
	@bash eng/test.sh $(CONFIGURATION)

bench: build    ## the paired benchmarks
	@bash eng/setup.sh test
	@$(DOTNET_BUILD)
	@artifacts/bin/Benchmarks/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/Benchmarks

format:         ## format the code
	@dotnet format VaeCluster.sln

clean:          ## remove what was built
	@rm -rf artifacts bin
