"""Compression: the same function with fewer numbers, fewer bits or fewer operations.

How much worse does a linear map, a network or a code become when only so much may be stored, how long does it take to
make it smaller, and is the smaller one faster than `torch.nn.Linear` on the same machine?
"""
