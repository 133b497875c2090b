"""The settings of train_gan's default run that the PyTorch twin needs, at the width that benchmarks use."""

DEFAULTS = {
    "width": 64, "skip": True, "output_range": 4, "lr": 0, "batch_size": 64, "discriminator_lr_ratio": 0.2, "beta1": 0.5,
    "beta2": 0.999, "weight_decay": 1e-2, "warmup": 50, "schedule": "cosine", "ema": 0.99, "patch_size": 16,
    "patch_stride": 8, "patch_largest": 3, "abc_scale": 1, "reconstruction_weight": 1.5, "patch_weight": 1.5,
    "latent_weight": 0.5, "adversarial_normal_weight": 0.05, "abc_weight": 10, "adversarial_anomalous_weight": 0.1,
    "discriminator_normal_weight": 1, "discriminator_anomalous_weight": 0.5}
