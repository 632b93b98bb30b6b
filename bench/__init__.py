"""What the product costs, as ratios against peers and limits measured in the same run. See `python -m bench --help`."""
