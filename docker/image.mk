# The container image and its black-box tests; included by the Makefile.
IMAGE ?= pillarbox
DOCKER ?= docker

.PHONY: image test-image
image:
	$(DOCKER) build -q -t $(IMAGE) -f docker/Dockerfile .

# Starts an engine and makes the base image where they are missing.
test-image:
	@IMAGE=$(IMAGE) tests/image/run.sh
