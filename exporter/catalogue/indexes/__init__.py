"""Sets of indexes that a platform expects, one YAML file each, and their strict loader."""
