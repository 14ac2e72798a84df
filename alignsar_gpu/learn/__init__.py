"""Learning on chips (extra ``learn``): land cover, detection and change, with networks and scores."""
