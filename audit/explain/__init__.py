"""Attribution: the activation tap and the CAM family."""
