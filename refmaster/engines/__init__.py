"""Other engines, run behind our own checks and judged by our own measures.

An engine is a file here that answers `second_opinion(target, reference, out, …)` with a Report of the same shape as
`pipeline.master`'s. Nothing that it renders is corrected: what it gets wrong is what the checks are there to say.
"""
