"""`sentinel` beside `inv` over random states: every answer must be the same (contract: The program sentinel)."""
