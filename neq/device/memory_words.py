"""What torch, its backends and the machine say when memory runs out: one list for the library and for the worker, which
imports no torch."""

import re

_WORDS = (
    "out of memory",  # CUDA, HIP, XPU and MPS, whether the driver says it or torch's own allocator
    "can't allocate memory",  # torch's allocator on a CPU
    "cannot allocate memory",  # the operating system, by its own name for it
    "not enough memory",
    "bad_alloc",  # std::bad_alloc of C++
    "alloc_failed",  # CUBLAS_STATUS_ALLOC_FAILED, and those of cuDNN, cuSOLVER, cuSPARSE and cuFFT
    "allocation_failed",  # CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED and …_HOST_ALLOCATION_FAILED
    "cudaerrormemoryallocation",
    "hiperroroutofmemory",
    "out_of_device_memory",  # UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY of an Intel GPU
    "out_of_host_memory",
    "out_of_resources",
    "unable to find an engine to execute this computation",  # cuDNN, whose engines found no room for their workspace
    "unable to find a valid cudnn algorithm",
)

_PATTERNS = (
    re.compile(r"cudnn_status_\w*alloc"),
    # A handle takes memory of its own; where anything else is not initialized, memory is not why.
    re.compile(r"cublas_status_not_initialized.*create", re.DOTALL),
)


def speaks_of_memory(said: str) -> bool:
    """Whether an error's text says that memory ran out, the device's or the machine's; however it is capitalized."""
    text = said.lower()
    return any(words in text for words in _WORDS) or any(pattern.search(text) for pattern in _PATTERNS)
