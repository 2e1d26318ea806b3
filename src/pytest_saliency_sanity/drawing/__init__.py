"""Drawing curves, bars and maps. It knows numbers only, and imports matplotlib (the extra ``report``) when it draws."""
