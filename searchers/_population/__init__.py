"""What population searchers share: genetics, ranking, generations, pymoo's algorithms."""
