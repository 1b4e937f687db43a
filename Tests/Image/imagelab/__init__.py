"""What the image's tests share beside `bootlab`: networks, members, requests, and the amphora with its load balancer."""
