"""Networks."""

from engine.models import attention, embedding, mlp, unet

__all__ = ["attention", "embedding", "mlp", "unet"]
