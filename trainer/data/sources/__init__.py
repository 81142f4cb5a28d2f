"""Where images come from: people's folders, torchvision's sets, COCO, VOC, plug-ins, what is made on the spot."""
