"""Boxes of objects in chips, with 8-bit images: the files that YOLO and COCO readers take."""
