"""The geometry that a cube keeps of itself, so that it can be geocoded without the products that it was made from."""
