"""Where tests put what belongs on the device: HMI_DEVICE, which the service's settings read as well."""

import os

import torch

DEVICE = torch.device(os.environ.get("HMI_DEVICE", "cpu"))
